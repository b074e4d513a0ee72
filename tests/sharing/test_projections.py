"""From projected metres to degrees. The points were computed with PROJ 9.5, from degrees to metres."""

import pytest

from sharing.directory import projections
from sharing.directory.search import distance_km

KNOWN = [
    ("EPSG:2154", 652216.64, 6861682.61, 48.85341, 2.3488),  # Paris
    ("EPSG:2154", 1176466.00, 6109095.67, 41.9267, 8.7369),  # Ajaccio
    ("EPSG:2154", 146632.98, 6836262.33, 48.3904, -4.4861),  # Brest
    ("EPSG:2154", 656187.52, 7104472.92, 51.0344, 2.3768),  # Dunkerque
    ("EPSG:2154", 700000, 6600000, 46.5, 3),  # where the projection begins
    ("EPSG:5490", 650868.99, 1799444.23, 16.2711, -61.5881),  # Baie-Mahault
    ("EPSG:5490", 712800.05, 1619602.63, 14.6415, -61.0242),  # Le Lamentin
    ("EPSG:2972", 352877.21, 544265.89, 4.9227, -52.3269),  # Cayenne
    ("EPSG:2975", 347994.38, 7664414.34, -21.1151, 55.5364),  # La Réunion
    ("EPSG:4471", 518035.34, 8581934.47, -12.8275, 45.1662),  # Mayotte
    ("EPSG:4467", 562681.29, 5180944.08, 46.7791, -56.1789),  # Saint-Pierre
    ("EPSG:4326", 2.3488, 48.85341, 48.85341, 2.3488),
]


@pytest.mark.parametrize(("system", "x", "y", "latitude", "longitude"), KNOWN)
def test_known_points_to_a_few_centimetres(system, x, y, latitude, longitude):
    found = projections.place(x, y, system)
    assert distance_km(found, (latitude, longitude)) < 0.000_05


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("1,ATLASANTE,100,BAN,EPSG:2154 RGF93 / Lambert-93 (Métropole)", "2154"),
        ("1,ATLASANTE,70,IGN,BD_ADRESSE,V2.2,LAMBERT_93", "2154"),
        ("RGAF09/UTM Zone 20N (Antilles)", "5490"),
        ("IGN,BD_ADRESSE,V2.2,UTM_S40", "2975"),
        ("UTM_N22", "2972"),
        ("UTM_N31", ""),
        ("Lambert II étendu", ""),
        ("", ""),
    ],
)
def test_a_system_is_known_by_its_number_or_its_names(written, code):
    assert projections.code_of(written) == code


@pytest.mark.parametrize(
    ("x", "y", "system"),
    [
        (6861682.61, 652216.64, "EPSG:2154"),  # one for the other
        (652216.64, 6861682.61, "EPSG:2975"),  # the wrong island
        (0, 0, "EPSG:2154"),
        (float("nan"), 0, "EPSG:2154"),
        (1e300, 1e300, "EPSG:5490"),
        (652216.64, 6861682.61, "EPSG:27572"),  # not one of ours
    ],
)
def test_a_position_that_cannot_be_is_not_believed(x, y, system):
    assert projections.place(x, y, system) is None
