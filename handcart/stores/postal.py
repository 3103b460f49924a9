"""Locations of postal codes: US codes in the database, Canadian ones by their first characters in the table below.

A Canadian code's first letter is the postal district, the digit after it a part of that (0: rural).
"""

from handcart.core.db import Tx
from handcart.stores.models import Address, Point, PostalArea

_ZONES = {
    "NL": "America/St_Johns",
    "NS": "America/Halifax",
    "PE": "America/Halifax",
    "NB": "America/Moncton",
    "QC": "America/Toronto",
    "ON": "America/Toronto",
    "MB": "America/Winnipeg",
    "SK": "America/Regina",
    "AB": "America/Edmonton",
    "BC": "America/Vancouver",
    "NT": "America/Edmonton",
    "NU": "America/Iqaluit",
    "YT": "America/Whitehorse",
}

# The longest matching prefix is used: city, province, latitude, longitude.
CANADA: dict[str, tuple[str, str, float, float]] = {
    "A": ("Grand Falls-Windsor", "NL", 48.93, -55.66),
    "A1": ("St. John's", "NL", 47.56, -52.71),
    "A2": ("Corner Brook", "NL", 48.95, -57.95),
    "B": ("Truro", "NS", 45.36, -63.28),
    "B1": ("Sydney", "NS", 46.14, -60.19),
    "B2": ("Dartmouth", "NS", 44.67, -63.57),
    "B3": ("Halifax", "NS", 44.65, -63.58),
    "B4": ("Kentville", "NS", 45.08, -64.50),
    "C": ("Summerside", "PE", 46.40, -63.79),
    "C1": ("Charlottetown", "PE", 46.24, -63.13),
    "E": ("Fredericton", "NB", 45.96, -66.64),
    "E1": ("Moncton", "NB", 46.09, -64.78),
    "E2": ("Saint John", "NB", 45.27, -66.06),
    "G": ("Rimouski", "QC", 48.45, -68.52),
    "G1": ("Quebec City", "QC", 46.81, -71.21),
    "G2": ("Quebec City", "QC", 46.86, -71.35),
    "G3": ("Quebec City", "QC", 46.88, -71.55),
    "G6": ("Lévis", "QC", 46.74, -71.25),
    "G7": ("Saguenay", "QC", 48.43, -71.07),
    "G8": ("Trois-Rivières", "QC", 46.35, -72.58),
    "G9": ("Trois-Rivières", "QC", 46.32, -72.62),
    "H": ("Montreal", "QC", 45.51, -73.59),
    "H7": ("Laval", "QC", 45.58, -73.75),
    "H9": ("Pointe-Claire", "QC", 45.45, -73.82),
    "J": ("Saint-Jérôme", "QC", 45.78, -74.00),
    "J1": ("Sherbrooke", "QC", 45.40, -71.89),
    "J2": ("Saint-Hyacinthe", "QC", 45.63, -72.96),
    "J3": ("Saint-Jean-sur-Richelieu", "QC", 45.31, -73.26),
    "J4": ("Longueuil", "QC", 45.53, -73.51),
    "J5": ("Repentigny", "QC", 45.74, -73.45),
    "J6": ("Terrebonne", "QC", 45.70, -73.63),
    "J8": ("Gatineau", "QC", 45.48, -75.70),
    "J9": ("Gatineau", "QC", 45.45, -75.80),
    "J9P": ("Val-d'Or", "QC", 48.10, -77.78),
    "J9X": ("Rouyn-Noranda", "QC", 48.24, -79.02),
    "K": ("Pembroke", "ON", 45.55, -77.20),
    "K1": ("Ottawa", "ON", 45.42, -75.69),
    "K2": ("Ottawa", "ON", 45.34, -75.80),
    "K4": ("Ottawa", "ON", 45.45, -75.45),
    "K6": ("Cornwall", "ON", 45.03, -74.74),
    "K7": ("Kingston", "ON", 44.23, -76.49),
    "K8": ("Belleville", "ON", 44.17, -77.38),
    "K9": ("Peterborough", "ON", 44.31, -78.32),
    "L": ("Barrie", "ON", 44.37, -79.69),
    "L1": ("Oshawa", "ON", 43.90, -78.87),
    "L2": ("St. Catharines", "ON", 43.16, -79.24),
    "L3": ("Markham", "ON", 43.86, -79.34),
    "L4": ("Vaughan", "ON", 43.83, -79.51),
    "L4M": ("Barrie", "ON", 44.40, -79.68),
    "L4N": ("Barrie", "ON", 44.35, -79.69),
    "L5": ("Mississauga", "ON", 43.59, -79.65),
    "L6": ("Brampton", "ON", 43.70, -79.75),
    "L7": ("Burlington", "ON", 43.34, -79.80),
    "L8": ("Hamilton", "ON", 43.25, -79.86),
    "L9": ("Hamilton", "ON", 43.20, -79.90),
    "M": ("Toronto", "ON", 43.70, -79.40),
    "M1": ("Toronto", "ON", 43.77, -79.25),
    "M9": ("Toronto", "ON", 43.69, -79.56),
    "N": ("Stratford", "ON", 43.37, -80.98),
    "N1": ("Guelph", "ON", 43.54, -80.25),
    "N2": ("Kitchener", "ON", 43.45, -80.49),
    "N3": ("Brantford", "ON", 43.14, -80.26),
    "N5": ("London", "ON", 42.99, -81.20),
    "N6": ("London", "ON", 42.97, -81.27),
    "N7": ("Sarnia", "ON", 42.98, -82.40),
    "N8": ("Windsor", "ON", 42.30, -82.98),
    "N9": ("Windsor", "ON", 42.28, -83.05),
    "P": ("Timmins", "ON", 48.48, -81.33),
    "P1": ("North Bay", "ON", 46.31, -79.46),
    "P3": ("Greater Sudbury", "ON", 46.49, -81.00),
    "P6": ("Sault Ste. Marie", "ON", 46.52, -84.35),
    "P7": ("Thunder Bay", "ON", 48.38, -89.25),
    "P9": ("Kenora", "ON", 49.77, -94.49),
    "R": ("Dauphin", "MB", 51.15, -100.05),
    "R2": ("Winnipeg", "MB", 49.93, -97.10),
    "R3": ("Winnipeg", "MB", 49.87, -97.18),
    "R5": ("Steinbach", "MB", 49.53, -96.68),
    "R7": ("Brandon", "MB", 49.85, -99.95),
    "R8": ("Thompson", "MB", 55.74, -97.86),
    "S": ("Prince Albert", "SK", 53.20, -105.76),
    "S4": ("Regina", "SK", 50.45, -104.61),
    "S6H": ("Moose Jaw", "SK", 50.39, -105.53),
    "S7": ("Saskatoon", "SK", 52.13, -106.66),
    "S9": ("North Battleford", "SK", 52.78, -108.29),
    "T": ("Red Deer", "AB", 52.27, -113.81),
    "T1": ("Lethbridge", "AB", 49.69, -112.84),
    "T1A": ("Medicine Hat", "AB", 50.04, -110.68),
    "T1B": ("Medicine Hat", "AB", 50.02, -110.70),
    "T1Y": ("Calgary", "AB", 51.08, -113.96),
    "T2": ("Calgary", "AB", 51.03, -114.05),
    "T3": ("Calgary", "AB", 51.09, -114.17),
    "T5": ("Edmonton", "AB", 53.56, -113.54),
    "T6": ("Edmonton", "AB", 53.50, -113.48),
    "T8V": ("Grande Prairie", "AB", 55.17, -118.80),
    "T9H": ("Fort McMurray", "AB", 56.73, -111.38),
    "V": ("Williams Lake", "BC", 52.13, -122.14),
    "V1": ("Kelowna", "BC", 49.89, -119.49),
    "V2": ("Abbotsford", "BC", 49.05, -122.31),
    "V2B": ("Kamloops", "BC", 50.71, -120.37),
    "V2C": ("Kamloops", "BC", 50.67, -120.32),
    "V2K": ("Prince George", "BC", 53.97, -122.77),
    "V2L": ("Prince George", "BC", 53.91, -122.75),
    "V2M": ("Prince George", "BC", 53.92, -122.79),
    "V2N": ("Prince George", "BC", 53.87, -122.77),
    "V3": ("Surrey", "BC", 49.19, -122.84),
    "V4": ("Surrey", "BC", 49.05, -122.80),
    "V5": ("Vancouver", "BC", 49.24, -123.05),
    "V6": ("Vancouver", "BC", 49.26, -123.14),
    "V7": ("North Vancouver", "BC", 49.32, -123.07),
    "V8": ("Victoria", "BC", 48.44, -123.35),
    "V9": ("Nanaimo", "BC", 49.17, -123.95),
    "X": ("Yellowknife", "NT", 62.45, -114.37),
    "X0A": ("Iqaluit", "NU", 63.75, -68.52),
    "X0B": ("Cambridge Bay", "NU", 69.12, -105.06),
    "X0C": ("Rankin Inlet", "NU", 62.81, -92.09),
    "Y": ("Whitehorse", "YT", 60.72, -135.05),
}


def plain(postal_code: str) -> str:
    """A code without separators, in capitals; a US code without the four digits after the hyphen."""
    code = "".join(postal_code.split()).replace("-", "").upper()
    return code[:5] if code.isdecimal() else code


async def of_address(tx: Tx, address: Address) -> Point | None:
    """Where an address is: its own place, or the center of its postal code; None if both are unknown."""
    if address.latitude is not None and address.longitude is not None:
        return Point(address.latitude, address.longitude)
    area = await locate(tx, address.postal_code)
    return None if area is None else area.point


async def locate(tx: Tx, postal_code: str) -> PostalArea | None:
    """The location of a code; for an unknown US code, the center of the codes with the same first three digits."""
    code = plain(postal_code)
    if not code.isdecimal():
        return _canadian(code)
    row = await tx.one(
        "SELECT latitude, longitude, time_zone, city, region FROM postal_codes WHERE postal_code = $1", code
    )
    row = row or await tx.one(
        "SELECT avg(latitude) AS latitude, avg(longitude) AS longitude, min(time_zone) AS time_zone, min(city) AS city,"
        " min(region) AS region FROM postal_codes WHERE postal_code BETWEEN $1 AND $2 HAVING count(*) > 0",
        f"{code[:3]}00",
        f"{code[:3]}99",
    )
    if row is None:
        return None
    return PostalArea(Point(row["latitude"], row["longitude"]), row["time_zone"], row["city"], row["region"])


def _canadian(code: str) -> PostalArea | None:
    for length in (3, 2, 1):
        if code[:length] in CANADA:
            city, province, latitude, longitude = CANADA[code[:length]]
            zone = _ZONES[province] if code[:2] not in ("P8", "P9") else _ZONES["MB"]
            return PostalArea(Point(latitude, longitude), zone, city, province)
    return None
