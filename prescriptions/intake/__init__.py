"""How prescriptions come in: by deposit, as a document, or as a pharmacy's report; checked, then filed."""
