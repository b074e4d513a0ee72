# Dates in words, times as 14 h 02. \xa0 keeps them on one line.
DATE_FORMAT = "j\xa0F Y"
SHORT_DATE_FORMAT = "d/m/Y"
TIME_FORMAT = "G\xa0\\h\xa0i"
DATETIME_FORMAT = "j\xa0F Y, G\xa0\\h\xa0i"
MONTH_DAY_FORMAT = "j\xa0F"
YEAR_MONTH_FORMAT = "F Y"
