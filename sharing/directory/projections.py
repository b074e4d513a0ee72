"""From the projected metres of the national files to WGS 84 degrees, to a few millimetres.

Formulas: IGN NTG_71 (Lambert conic conformal with two parallels) and Krüger's series to the fourth order (transverse
Mercator). Ellipsoid GRS 80: RGF93, RGAF09, RGFG95, RGR92, RGM04, RGSPM06 and WGS 84 differ by less than a metre.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

AXIS = 6_378_137.0
FLATTENING = 1 / 298.257222101
ECCENTRICITY = math.sqrt(FLATTENING * (2 - FLATTENING))

Place = tuple[float, float]  # latitude, longitude


@dataclass(frozen=True)
class Zone:
    """A projection and the degrees where it is used: a position elsewhere was written wrong."""

    to_degrees: Callable[[float, float], Place]
    south: float
    north: float
    west: float
    east: float

    def place(self, x: float, y: float) -> Place | None:
        if not (math.isfinite(x) and math.isfinite(y)) or max(abs(x), abs(y)) > 2e7:
            return None
        latitude, longitude = self.to_degrees(x, y)
        is_inside = self.south <= latitude <= self.north and self.west <= longitude <= self.east
        return (latitude, longitude) if is_inside else None


def place(x: float, y: float, system: str) -> Place | None:
    """`system`: what the file says of it, « EPSG:2154 RGF93 / Lambert-93 », « LAMBERT_93 », « UTM_N20 »."""
    zone = ZONES.get(code_of(system))
    return zone.place(x, y) if zone else None


def code_of(system: str) -> str:
    """The EPSG number of a system named in one of the ways known; "" when it is none of them."""
    if told := re.search(r"EPSG\s*:\s*(\d+)", system, re.IGNORECASE):
        return told[1]
    plain = re.sub(r"[\s_-]", "", system.upper())
    if "LAMBERT93" in plain:
        return "2154"
    if utm := re.search(r"UTM(?:ZONE)?(?:([NS])(\d\d)|(\d\d)([NS]))", plain):
        return OLD_NAMES.get((utm[1] or utm[4]) + (utm[2] or utm[3]), "")
    return ""


# --- Lambert 93 -----------------------------------------------------------------------------------------------------
def _isometric(latitude: float) -> float:
    sine = ECCENTRICITY * math.sin(latitude)
    return math.atanh(math.sin(latitude)) - ECCENTRICITY * math.atanh(sine)


def _normal(latitude: float) -> float:
    """Radius of curvature across the meridian."""
    return AXIS / math.sqrt(1 - (ECCENTRICITY * math.sin(latitude)) ** 2)


def conic(*, parallels: Place, origin: Place, x0: float, y0: float) -> Callable[[float, float], Place]:
    """Inverse of a Lambert conic conformal projection. Degrees and metres."""
    first, second = (math.radians(degrees) for degrees in parallels)
    from_latitude, from_longitude = (math.radians(degrees) for degrees in origin)
    ratio = (_normal(second) * math.cos(second)) / (_normal(first) * math.cos(first))
    exponent = math.log(ratio) / (_isometric(first) - _isometric(second))
    scale = _normal(first) * math.cos(first) / exponent * math.exp(exponent * _isometric(first))
    y_pole = y0 + scale * math.exp(-exponent * _isometric(from_latitude))

    def to_degrees(x: float, y: float) -> Place:
        radius = math.hypot(x - x0, y - y_pole)
        angle = math.atan2(x - x0, y_pole - y)
        latitude = _latitude(-math.log(radius / scale) / exponent) if radius else math.pi / 2
        return math.degrees(latitude), math.degrees(from_longitude + angle / exponent)

    return to_degrees


def _latitude(isometric: float) -> float:
    """By iteration: each step divides the error by more than a hundred."""
    latitude = math.asin(math.tanh(isometric))
    for _step in range(6):
        sine = ECCENTRICITY * math.sin(latitude)
        latitude = math.asin(math.tanh(isometric + ECCENTRICITY * math.atanh(sine)))
    return latitude


# --- UTM ------------------------------------------------------------------------------------------------------------
_N = FLATTENING / (2 - FLATTENING)
_RECTIFYING = AXIS / (1 + _N) * (1 + _N**2 / 4 + _N**4 / 64)
_TO_SPHERE = (
    _N / 2 - 2 * _N**2 / 3 + 37 * _N**3 / 96 - _N**4 / 360,
    _N**2 / 48 + _N**3 / 15 - 437 * _N**4 / 1440,
    17 * _N**3 / 480 - 37 * _N**4 / 840,
    4397 * _N**4 / 161280,
)


def utm(zone: int, *, is_south: bool = False) -> Callable[[float, float], Place]:
    """Inverse of a UTM zone. Metres."""
    meridian = 6 * zone - 183

    def to_degrees(x: float, y: float) -> Place:
        up = (y - (10_000_000 if is_south else 0)) / (0.9996 * _RECTIFYING)
        aside = (x - 500_000) / (0.9996 * _RECTIFYING)
        terms = list(enumerate(_TO_SPHERE, start=1))
        xi = up - sum(b * math.sin(2 * j * up) * math.cosh(2 * j * aside) for j, b in terms)
        eta = aside - sum(b * math.cos(2 * j * up) * math.sinh(2 * j * aside) for j, b in terms)
        conformal = math.asin(math.sin(xi) / math.cosh(eta))
        longitude = math.atan2(math.sinh(eta), math.cos(xi))
        return math.degrees(_latitude(math.atanh(math.sin(conformal)))), meridian + math.degrees(longitude)

    return to_degrees


def _as_degrees(x: float, y: float) -> Place:
    return y, x


_ANTILLES = Zone(utm(20), 14, 18.6, -63.6, -60.5)
ZONES = {
    "2154": Zone(
        conic(parallels=(44, 49), origin=(46.5, 3), x0=700_000, y0=6_600_000), south=41, north=51.5, west=-5.6, east=9.9
    ),
    "5490": _ANTILLES,
    "4559": _ANTILLES,
    "32620": _ANTILLES,
    "2972": Zone(utm(22), 2, 6, -55, -51),
    "2975": Zone(utm(40, is_south=True), -22, -20, 54.5, 56.5),
    "4471": Zone(utm(38, is_south=True), -13.5, -12, 44.5, 45.8),
    "4467": Zone(utm(21), 46, 48, -57, -56),
    "4326": Zone(_as_degrees, -90, 90, -180, 180),
}
OLD_NAMES = {"N20": "5490", "N21": "4467", "N22": "2972", "S40": "2975", "S38": "4471"}
