# SPDX-License-Identifier: MIT
"""Builds the ACPI tables that say which devices an IOMMU covers."""
import struct

ENDPOINT, SUB_HIERARCHY, IOAPIC, HPET = 1, 2, 3, 4
INCLUDE_PCI_ALL = 1


def table(signature, body):
    """Puts the header with the right checksum before body."""
    header = struct.pack('<4sIBB6s8sI4sI', signature.encode(), 36 + len(body), 1, 0, b'XITEST',
                         b'XITESTTB', 1, b'XITB', 1)
    whole = bytearray(header + body)
    whole[9] = -sum(whole) & 0xff
    return bytes(whole)


def address(bdf):
    """'0000:00:04.0' -> (segment, bus, device, function)"""
    segment, bus, rest = bdf.split(':')
    device, function = rest.split('.')
    return int(segment, 16), int(bus, 16), int(device, 16), int(function, 16)


def device_id(bdf):
    _, bus, device, function = address(bdf)
    return bus << 8 | device << 3 | function


# DMAR

def scope(bdf, kind=ENDPOINT, path=None):
    """One device scope entry. path: [(device, function)…] below bdf's bus, else bdf itself."""
    _, bus, device, function = address(bdf)
    path = path or [(device, function)]
    return struct.pack('<BBHBB', kind, 6 + 2 * len(path), 0, 0, bus) + b''.join(
        bytes(step) for step in path)


def drhd(*scopes, flags=0, segment=0, base=0xfed90000):
    """A unit with its register base."""
    body = b''.join(scopes)
    return struct.pack('<HHBBHQ', 0, 16 + len(body), flags, 0, segment, base) + body


def rmrr(*scopes, segment=0):
    """Reserved memory: to be skipped by who looks for units."""
    body = b''.join(scopes)
    return struct.pack('<HHHHQQ', 1, 24 + len(body), 0, segment, 0, 0xfff) + body


def atsr(*scopes, segment=0):
    body = b''.join(scopes)
    return struct.pack('<HHBBH', 2, 8 + len(body), 0, 0, segment) + body


def dmar(*structures, signature='RMAD'):
    """Xen hands a PV dom0 its DMAR under the name RMAD."""
    return table(signature, struct.pack('<BB10x', 38, 1) + b''.join(structures))


DMAR_ALL = dmar(drhd(flags=INCLUDE_PCI_ALL))


# IVRS

def ivhd_all(data=0):
    return struct.pack('<BHB', 1, 0, data)


def ivhd_select(bdf):
    return struct.pack('<BHB', 2, device_id(bdf), 0)


def ivhd_range(first, last):
    return struct.pack('<BHBBHB', 3, device_id(first), 0, 4, device_id(last), 0)


def ivhd_alias_select(bdf, alias):
    return struct.pack('<BHBBHB', 0x42, device_id(bdf), 0, 0, device_id(alias), 0)


def ivhd_alias_range(first, last, alias):
    return (struct.pack('<BHBBHB', 0x43, device_id(first), 0, 0, device_id(alias), 0)
            + struct.pack('<BHB', 4, device_id(last), 0))


def ivhd_special():
    return struct.pack('<BHBBHB', 0x48, 0, 0, 0, 0xa0, 1)


def ivhd(*entries, kind=0x10, iommu='0000:00:00.2', segment=0, base=0xfdf80000):
    body = b''.join(entries)
    rest = b'' if kind == 0x10 else bytes(16)
    return struct.pack('<BBHHHQHHI', kind, 0, 24 + len(rest) + len(body), device_id(iommu), 0x40,
                       base, segment, 0, 0) + rest + body


def ivrs(*blocks):
    """Its feature registers' images are valid, so that blocks of type 11h count."""
    return table('IVRS', struct.pack('<I8x', 0x00203041) + b''.join(blocks))
