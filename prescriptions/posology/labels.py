"""What goes before each element of a dosage that is said element by element, in both languages."""

from prescriptions.posology import say_en, say_fr

LABELS = {
    say_fr: {
        **{"dose": "Dose", "calculated": "Dose calculée", "rate": "Débit", "part": "%s (d’un des composants)"},
        **{"rhythm": "Rythme", "frequency": "Nombre de fois", "frequencyMax": "Nombre de fois, au plus"},
        **{"period": "Période", "periodMax": "Période, au plus", "periodUnit": "Unité de la période"},
        **{"moments": "Moments", "offset": "Écart, en minutes", "hours": "Heures", "days": "Jours", "events": "Dates"},
        **{
            "lasts": "Durée de chaque prise",
            "duration": "Durée de chaque prise",
            "durationMax": "Cette durée, au plus",
        },
        **{"durationUnit": "Unité de cette durée", "bounds": "Durée", "count": "Nombre total de fois"},
        **{"countMax": "Nombre total de fois, au plus", "code": "Rythme", "needed": "Si besoin", "route": "Voie"},
        **{"site": "Endroit", "method": "Mode d’administration", "intake": "Au plus par prise"},
        **{"most": "Au plus", "lifetime": "Au plus sur toute la vie", "note": "Consigne", "order": "Ordre"},
        "ask": "En cas de doute, demandez à votre pharmacien.",
        "unread": "Une partie ne peut pas être dite ici\u00a0: demandez à votre pharmacien.",
    },
    say_en: {
        **{"dose": "Dose", "calculated": "Calculated dose", "rate": "Rate", "part": "%s (of one of the components)"},
        **{"rhythm": "How often", "frequency": "Number of times", "frequencyMax": "Number of times, at most"},
        **{"period": "Period", "periodMax": "Period, at most", "periodUnit": "Unit of the period"},
        **{"moments": "Moments", "offset": "Distance, in minutes", "hours": "Hours", "days": "Days", "events": "Dates"},
        **{
            "lasts": "Length of each intake",
            "duration": "Length of each intake",
            "durationMax": "This length, at most",
        },
        **{"durationUnit": "Unit of this length", "bounds": "For how long", "count": "Number of times in all"},
        **{"countMax": "Number of times in all, at most", "code": "How often", "needed": "If needed", "route": "Route"},
        **{"site": "Where", "method": "How", "intake": "At most in one intake", "most": "At most"},
        **{"lifetime": "At most in a lifetime", "note": "Note", "order": "Order"},
        "ask": "If in doubt, please ask your pharmacist.",
        "unread": "One part cannot be said here: please ask your pharmacist.",
    },
}
