"""Headers beside flat rasters: those of ISCE (``.xml``), GDAL (``.vrt``) and ENVI (``.hdr``)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import DatasetError
from .text import read_text, shown

LONGEST_SIDE = 2**31 - 1  # of a scene, in pixels
ISCE_TYPES = {"float": "f4", "cfloat": "c8", "double": "f8", "byte": "u1", "short": "i2"}
GDAL_TYPES = {"byte": "u1", "int16": "i2", "float32": "f4", "float64": "f8", "cfloat32": "c8",
              "cint16": "2i2"}  # fmt: skip
ENVI_TYPES = {"1": "u1", "2": "i2", "4": "f4", "5": "f8", "6": "c8"}

_PROPERTY = re.compile(
    r'<property\s+name\s*=\s*"([^"]+)"\s*>.*?<value>\s*([^<]*?)\s*</value>', re.DOTALL
)
_COMPONENT = re.compile(r"<component\b.*?</component>", re.DOTALL)
_DATASET = re.compile(r"<VRTDataset\b([^>]*)>")
_BAND = re.compile(r"<VRTRasterBand\b([^>]*)>")
_ATTRIBUTE = re.compile(r'(\w+)\s*=\s*"([^"]*)"')


@dataclass(frozen=True)
class Header:
    """What a header says of its raster.

    Parameters
    ----------
    path : Path
        The header.
    width, length, bands : int
        Samples of a line, lines, bands.
    kind : str
        Type of a sample as NumPy names it, ``f4``, ``c8`` and so on.
    scheme : str
        How bands lie: ``BIL``, ``BIP``, ``BSQ``; empty where the header leaves it open.
    """

    path: Path
    width: int
    length: int
    bands: int
    kind: str
    scheme: str = ""

    def __post_init__(self) -> None:
        """Refuse sizes that no raster has."""
        if not all(1 <= side <= LONGEST_SIDE for side in (self.width, self.length, self.bands)):
            raise DatasetError(
                f"{self.path}: width {shown(str(self.width))}, length {shown(str(self.length))}, "
                f"number of bands {shown(str(self.bands))} are not the sizes of a raster; make "
                "the header again"
            )


def headers_of(raster: Path) -> Iterator[Header]:
    """Yield the headers of a raster: beside it, or beside the file that it is a link to.

    Raises
    ------
    DatasetError
        As :func:`isce_header` and its like.
    """
    for path in dict.fromkeys((raster, raster.resolve())):
        for header, read in (
            *([(path, gdal_header)] if path.suffix == ".vrt" else []),
            (path.with_name(f"{path.name}.xml"), isce_header),
            (path.with_name(f"{path.name}.vrt"), gdal_header),
            (path.with_name(f"{path.name}.hdr"), envi_header),
            (path.with_suffix(".hdr"), envi_header),
        ):
            if header.exists():
                yield read(header)


def isce_properties(header: Path) -> dict[str, str]:
    """Read the properties of an XML file of ISCE, names in small letters.

    Of a property that occurs at several places, that of the image or product itself counts.
    """
    text = read_text(header)
    return {
        name.lower(): value
        for part in (text, _COMPONENT.sub("", text))
        for name, value in _PROPERTY.findall(part)
    }


def isce_header(header: Path) -> Header:
    """Read the header ``<raster>.xml`` that ISCE writes.

    Raises
    ------
    DatasetError
        A property is missing, or is none that a raster has.
    """
    properties = isce_properties(header)
    try:
        width, length = int(properties["width"]), int(properties["length"])
        bands = int(properties.get("number_bands", "1"))
        kind = ISCE_TYPES[properties["data_type"].lower()]
    except (KeyError, ValueError) as error:
        told = shown(str(error))
        raise DatasetError(f"{header}: property {told} is missing or unknown") from None
    return Header(header, width, length, bands, kind, properties.get("scheme", "BIL").upper())


def gdal_header(header: Path) -> Header:
    """Read the size and type in a virtual raster of GDAL; raises as :func:`isce_header`."""
    text = read_text(header)
    found = _DATASET.search(text)
    size = dict(_ATTRIBUTE.findall(found[1])) if found else {}
    bands = [dict(_ATTRIBUTE.findall(attributes)) for attributes in _BAND.findall(text)]
    try:
        width, length = int(size["rasterXSize"]), int(size["rasterYSize"])
        kinds = {GDAL_TYPES[band.get("dataType", "Byte").lower()] for band in bands}
        (kind,) = kinds
    except (KeyError, ValueError) as error:
        told = shown(str(error))
        raise DatasetError(f"{header}: {told} is missing or unknown in it") from None
    return Header(header, width, length, len(bands), kind)


def envi_header(header: Path) -> Header:
    """Read the header of a raster of ENVI; raises as :func:`isce_header`."""
    lines = (line.partition("=") for line in read_text(header).splitlines())
    values = {key.strip().lower(): value.strip() for key, _, value in lines}
    try:
        width, length = int(values["samples"]), int(values["lines"])
        bands, kind = int(values.get("bands", "1")), ENVI_TYPES[values["data type"]]
    except (KeyError, ValueError) as error:
        told = shown(str(error))
        raise DatasetError(f"{header}: {told} is missing or unknown in it") from None
    return Header(header, width, length, bands, kind, values.get("interleave", "").upper())


def isce_header_text(width: int, length: int, kind: str) -> str:
    """Return a header of ISCE for a raster of one band."""
    names = {value: name.upper() for name, value in ISCE_TYPES.items()}
    properties = {
        "width": width, "length": length, "number_bands": 1, "data_type": names[kind],
        "scheme": "BIL", "byte_order": "l",
    }  # fmt: skip
    rows = (
        f'    <property name="{name}">\n        <value>{value}</value>\n    </property>\n'
        for name, value in properties.items()
    )
    return f"<imageFile>\n{''.join(rows)}</imageFile>\n"
