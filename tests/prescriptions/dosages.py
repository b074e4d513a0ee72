"""Short ways to write FHIR R4 Dosage elements."""

UCUM = "http://unitsofmeasure.org"
EDQM = "http://standardterms.edqm.eu"
SNOMED = "http://snomed.info/sct"
GTS = "http://terminology.hl7.org/CodeSystem/v3-GTSAbbreviation"
DOSE_TYPE = "http://terminology.hl7.org/CodeSystem/dose-rate-type"


def quantity(value, unit="comprimé", **more):
    return {"value": value, "unit": unit, **more}


def ucum(value, code, unit=None):
    return {"value": value, "code": code, "system": UCUM, **({"unit": unit} if unit else {})}


def dosage(value=None, unit="comprimé", repeat=None, **more):
    """A dose (or none) at some moments (or none), and any other member of Dosage."""
    said = {}
    if value is not None:
        said["doseAndRate"] = [{"doseQuantity": quantity(value, unit)}]
    if repeat is not None:
        said["timing"] = {"repeat": repeat}
    return {**said, **more}


def between(low, high, unit="comprimé", repeat=None, **more):
    ends = {"low": quantity(low, unit), "high": quantity(high, unit)}
    return dosage(None, repeat=repeat, doseAndRate=[{"doseRange": ends}], **more)


def every(count, unit, **more):
    """Once in so many hours, days, weeks."""
    return {"frequency": 1, "period": count, "periodUnit": unit, **more}


def daily(times, **more):
    return {"frequency": times, "period": 1, "periodUnit": "d", **more}


def at(*codes, **more):
    return {"when": list(codes), **more}


def lasting(value, unit="jours"):
    return {"boundsDuration": {"value": value, "unit": unit}}


def at_most(value, unit, in_, of):
    return {"numerator": quantity(value, unit), "denominator": {"value": in_, "unit": of}}


def typed(kind, dose):
    return {"type": {"coding": [{"system": DOSE_TYPE, "code": kind}]}, "doseQuantity": dose}
