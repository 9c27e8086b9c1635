"""The columns of the table of values: every type that files have, with the edges of its range, and the
one form in which values of all formats are compared."""
import base64
import datetime
import decimal
import fractions
import math
import re
import struct

import pyarrow as pa

ROWS = 24  # of every column; shorter lists of values begin anew
UNITS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}  # in nanoseconds
DAY = 86400 * 10**9
FIRST_DAY, LAST_DAY = -719162, 2932896  # of the years 0001 and 9999
I32, I64 = (-2**31, 2**31 - 1), (-2**63, 2**63 - 1)
BERLIN = "Europe/Berlin"
TEXTS = ["", " ", "a", 'a "quoted" one', "two\nlines", "cr\r\nlf", "tab\t", "nul\0in it", "ä€😀", "null", "NULL",
         "NaN", "0", "007", "2025-01-01", "a,b;c|d", "\u2028", "\ufeffmark", "it's", "back\\slash", "true",
         "-0", "[1]"]
BYTES = [b"", b"\0\xff\xfe", b"text", "ä".encode(), bytes(range(256))]
REALS = [0.0, -0.0, 1.0, -1.5, 0.1, 1e15, 1e16, 123456789.0, math.nan, math.inf, -math.inf]


def filled(values, type):
    """The values, a null behind them, and again."""
    values = [*values, None]
    return pa.array([values[i % len(values)] for i in range(ROWS)], type)


def raw(numbers, type):
    """Numbers as the bits of a type, whatever its constructor thinks of them."""
    width = pa.int32() if type.bit_width == 32 else pa.int64()
    return filled(numbers, width).view(type)


def decimals(precision, scale):
    digits = "9" * precision
    with decimal.localcontext(decimal.Context(prec=90)):
        largest = decimal.Decimal(digits).scaleb(-scale)
        least = decimal.Decimal(1).scaleb(-scale)
        return [largest, -largest, least, -least, decimal.Decimal(0), decimal.Decimal(1).scaleb(
            max(-scale, 0) if scale < precision else -scale)]


def numbers():
    for bits in (8, 16, 32, 64):
        low, high = -2**(bits - 1), 2**(bits - 1) - 1
        yield f"int{bits}", filled([low, high, 0, 1, -1], getattr(pa, f"int{bits}")())
        yield f"uint{bits}", filled([0, 1, high, 2**bits - 1], getattr(pa, f"uint{bits}")())
    yield "half", filled([*REALS[:5], 65504.0, 6e-8, *REALS[-3:]], pa.float16())
    yield "float", filled([*REALS, 1e-45, 3.4028234663852886e38, 16777216.0], pa.float32())
    yield "double", filled([*REALS, 5e-324, 1.7976931348623157e308, 2.0**53 + 2], pa.float64())
    yield "whole_double", filled([1.0, 2.0, -3.0, 1e10], pa.float64())
    yield "negative_zero", filled([-0.0], pa.float64())
    yield "boolean", filled([True, False], pa.bool_())
    for name, make, shapes in [("decimal32", pa.decimal32, [(9, 2), (1, 0)]),
                               ("decimal64", pa.decimal64, [(18, 4), (18, 18)]),
                               ("decimal128", pa.decimal128, [(9, 2), (18, 0), (38, 0), (38, 38), (38, 10)]),
                               ("decimal256", pa.decimal256, [(38, 2), (50, 5), (76, 0), (76, 76)])]:
        for shape in shapes:
            yield f"{name}_{shape[0]}_{shape[1]}", filled(decimals(*shape), make(*shape))
    yield "decimal128_negative", filled([decimal.Decimal("9.9E+6"), decimal.Decimal(100)], pa.decimal128(5, -2))


def texts_and_bytes():
    yield "text", filled(TEXTS, pa.string())
    yield "large_text", filled(TEXTS, pa.large_string())
    yield "text_view", filled(TEXTS + ["long enough to be elsewhere"], pa.string_view())
    yield "dictionary_text", filled(TEXTS, pa.string()).dictionary_encode()
    yield "dictionary_large", filled(TEXTS, pa.large_string()).dictionary_encode()
    yield "dictionary_small", filled(["a", "b", ""], pa.dictionary(pa.int8(), pa.string()))
    yield "dictionary_int", filled([1, -1, 2**62], pa.int64()).dictionary_encode()
    yield "dictionary_moment", raw([1, -1], pa.timestamp("us", "UTC")).dictionary_encode()
    yield "dictionary_bytes", filled(BYTES, pa.binary()).dictionary_encode()
    yield "binary", filled(BYTES, pa.binary())
    yield "large_binary", filled(BYTES, pa.large_binary())
    yield "binary_view", filled(BYTES + [b"long enough to be elsewhere"], pa.binary_view())
    yield "fixed_binary", filled([b"\0\0\0", b"abc", b"\xff\xfe\xfd"], pa.binary(3))
    ids = filled([bytes(16), bytes(range(16)), b"\xff" * 16], pa.binary(16))
    yield "uuid", pa.ExtensionArray.from_storage(pa.uuid(), ids)


def days_and_moments():
    days = [FIRST_DAY, LAST_DAY, 0, -1, 1, 19782]
    yield "date32", raw(days, pa.date32())
    yield "date32_far", raw([*I32, FIRST_DAY - 1, FIRST_DAY - 366, FIRST_DAY - 367, LAST_DAY + 1, 11248737,
                             11248738, 18620100], pa.date32())
    yield "date64", raw([day * 86400000 for day in days], pa.date64())
    yield "date64_far", raw([(LAST_DAY + 1) * 86400000, I32[1] * 86400000, I32[0] * 86400000], pa.date64())
    yield "date64_odd", raw([1], pa.date64())
    yield "date64_beyond", raw([(I32[1] + 1) * 86400000], pa.date64())
    for unit, nanos in UNITS.items():
        near = [0, 1, -1, FIRST_DAY * DAY // nanos, (LAST_DAY + 1) * DAY // nanos - 1, 1709210096 * 10**9 // nanos]
        if unit == "ns":
            near = [0, 1, -1, *I64, 1709210096123456789]
        for zone in (None, "UTC", BERLIN, "+02:00"):
            name = f"moment_{unit}" + ("_" + re.sub(r"\W", "", zone) if zone else "")
            yield name, raw(near, pa.timestamp(unit, zone))
            if unit != "ns" and zone in (None, BERLIN):
                far = [1611306000000, -10**12, (LAST_DAY + 1) * 86400, (FIRST_DAY - 367) * 86400 + 1]
                yield name + "_far", raw([second * 10**9 // nanos for second in far], pa.timestamp(unit, zone))
                yield name + "_end", raw(I64, pa.timestamp(unit, zone))
    for unit, make in [("s", pa.time32), ("ms", pa.time32), ("us", pa.time64), ("ns", pa.time64)]:
        whole = DAY // UNITS[unit]
        yield f"time_{unit}", raw([0, 1, whole - 1, whole // 2], make(unit))
        yield f"time_{unit}_beyond", raw([whole, -1], make(unit))
        yield f"duration_{unit}", raw([0, 1, -1, *I64], pa.duration(unit))
    yield "interval", filled([pa.MonthDayNano([1, 2, 3]), pa.MonthDayNano([-1, 0, -1]),
                              pa.MonthDayNano([I32[1], I32[0], I64[1]])], pa.month_day_nano_interval())


def nested():
    yield "list_int", filled([[1, None, -2**31], [], [7]], pa.list_(pa.int32()))
    yield "list_text", filled([TEXTS, [], [None, ""]], pa.list_(pa.string()))
    yield "list_double", filled([REALS, [None]], pa.list_(pa.float64()))
    yield "list_half", filled([[1.5, None]], pa.list_(pa.float16()))
    yield "list_decimal", filled([decimals(38, 10), []], pa.list_(pa.decimal128(38, 10)))
    yield "list_decimal64", filled([decimals(18, 4), []], pa.list_(pa.decimal64(18, 4)))
    yield "list_binary", filled([BYTES, [None]], pa.list_(pa.binary()))
    yield "list_boolean", filled([[True, None, False]], pa.list_(pa.bool_()))
    yield "list_dictionary", filled([["a", "b", None]], pa.list_(pa.dictionary(pa.int32(), pa.string())))
    yield "list_null", filled([[None], []], pa.list_(pa.null()))
    yield "list_list", filled([[["a", None], None, []], []], pa.list_(pa.list_(pa.string())))
    yield "list_interval", filled([[pa.MonthDayNano([1, 2, 3])]], pa.list_(pa.month_day_nano_interval()))
    for name, type in [("date", pa.date32()), ("moment_us", pa.timestamp("us")), ("moment_ns", pa.timestamp("ns", BERLIN)),
                       ("moment_s", pa.timestamp("s")), ("time", pa.time64("us")), ("duration", pa.duration("us"))]:
        items = raw([0, 1, 17000], type)
        offsets = pa.array(range(0, ROWS + 1), pa.int32())
        yield f"list_{name}", pa.ListArray.from_arrays(offsets, items)
    far = raw([LAST_DAY + 1, I32[1]], pa.date32())
    yield "list_date_far", pa.ListArray.from_arrays(pa.array(range(0, ROWS + 1), pa.int32()), far)
    yield "large_list", filled([["a", None], []], pa.large_list(pa.string_view()))
    yield "fixed_list", filled([[1, 2], [None, 3]], pa.list_(pa.int16(), 2))
    yield "list_view", filled([[1, 2], []], pa.list_view(pa.int16()))
    fields = [("a", pa.int8()), ("b c", pa.string()), ("q\"", pa.float64())]
    yield "struct", filled([{"a": 1, "b c": "x", 'q"': 0.5}, {"a": None, "b c": "", 'q"': -0.0}], pa.struct(fields))
    yield "struct_bytes", filled([{"b": b"\xff\0"}, {"b": None}], pa.struct([("b", pa.binary())]))
    yield "struct_fixed", filled([{"b": b"\xff\0"}], pa.struct([("b", pa.binary(2))]))
    yield "struct_moment", filled([{"d": datetime.date(2025, 6, 28), "m": datetime.datetime(2025, 6, 28, 10, 0, 0, 123)}],
                                  pa.struct([("d", pa.date32()), ("m", pa.timestamp("us", "UTC"))]))
    yield "struct_struct", filled([{"s": {"x": [1, 2]}}, {"s": None}, {"s": {"x": None}}],
                                  pa.struct([("s", pa.struct([("x", pa.list_(pa.int64()))]))]))
    yield "struct_empty", filled([{}], pa.struct([]))
    yield "list_struct", filled([[{"x": 1, "y": "a"}, None], []], pa.list_(pa.struct([("x", pa.uint8()), ("y", pa.large_string())])))
    yield "map", filled([[("a", 1), ("b", None)], []], pa.map_(pa.string(), pa.int32()))
    yield "map_bytes", filled([[(b"\xff", "x")]], pa.map_(pa.binary(), pa.string()))
    yield "map_nested", filled([[(1, [{"x": None}]), (2, None)]], pa.map_(pa.int64(), pa.list_(pa.struct([("x", pa.string())]))))


def nothing():
    for name, type in [("null", pa.null()), ("text", pa.string()), ("int", pa.int64()), ("moment", pa.timestamp("ns", BERLIN)),
                       ("list", pa.list_(pa.int8())), ("struct", pa.struct([("a", pa.string())])), ("binary", pa.binary()),
                       ("decimal", pa.decimal128(38, 10))]:
        yield f"no_{name}", pa.nulls(ROWS, type)


def columns():
    return dict([*numbers(), *texts_and_bytes(), *days_and_moments(), *nested(), *nothing()])


# -- one form for all --


def plain(array):
    """Without extensions and dictionaries."""
    if isinstance(array, pa.ChunkedArray):
        if len(array) == 0:
            return array
        array = array.combine_chunks()
        array = array.chunk(0) if isinstance(array, pa.ChunkedArray) else array
    if isinstance(array.type, pa.BaseExtensionType):
        return plain(array.storage)
    return plain(array.dictionary_decode()) if pa.types.is_dictionary(array.type) else array


def real(one):
    return "NaN" if math.isnan(one) else float(one).hex()


def units(array, wrap):
    width = pa.int32() if array.type.bit_width == 32 else pa.int64()
    return [None if one is None else wrap(one) for one in array.view(width).to_pylist()]


def values_of(array):
    """A list in which values that mean the same are equal, whatever their type was stored as."""
    array = plain(array)
    t, types = array.type, pa.types
    each = lambda wrap: [None if one is None else wrap(one) for one in array.to_pylist()]
    if types.is_null(t):
        return [None] * len(array)
    if types.is_floating(t):
        return [None if one is None else real(one) for one in array.cast(pa.float64()).to_pylist()]
    if types.is_decimal(t):
        return each(fractions.Fraction)
    if types.is_date32(t):
        return units(array, lambda n: ("day", n))
    if types.is_date64(t):
        return units(array, lambda n: ("day", n // 86400000) if n % 86400000 == 0 else ("ms", n))
    if types.is_timestamp(t):
        return units(array, lambda n: ("zoned" if t.tz else "moment", n * UNITS[t.unit]))
    if types.is_time(t):
        return units(array, lambda n: ("time", n * UNITS[t.unit]))
    if types.is_duration(t):
        return units(array, lambda n: ("duration", n * UNITS[t.unit]))
    if types.is_interval(t):
        return each(lambda one: ("interval", *one))
    if types.is_struct(t):
        parts = [values_of(part) for part in array.flatten()]
        return [tuple((t.field(i).name, part[row]) for i, part in enumerate(parts)) if array[row].is_valid else None
                for row in range(len(array))]
    if types.is_map(t):
        return [[pair and tuple(one for _, one in pair) for pair in values_of(array[row].values)]
                if array[row].is_valid else None for row in range(len(array))]
    if hasattr(t, "value_type"):
        return [values_of(array[row].values) if array[row].is_valid else None for row in range(len(array))]
    return array.to_pylist()


DATE = re.compile(r"(-?)(\d{4,})-(\d\d)-(\d\d)")
CLOCK = re.compile(r"(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?")


def day(text):
    sign, year, month, of_month = re.fullmatch(DATE, text).groups()
    year = -int(year) if sign else int(year)
    eras, year = divmod(year, 400)  # 400 years always have as many days
    return datetime.date(year + 400, int(month), int(of_month)).toordinal() - datetime.date(1970, 1, 1).toordinal() + (
        eras - 1) * 146097


def clock(text):
    hour, minute, second, fraction = re.fullmatch(CLOCK, text).groups()
    return ((int(hour) * 60 + int(minute)) * 60 + int(second)) * 10**9 + int((fraction or "").ljust(9, "0"))


def moment(text, zoned):
    text, utc = text.removesuffix("Z"), text.endswith("Z")
    assert utc == zoned, f"'{text}' has a zone, or lacks it"
    date, time = text.split(" ")
    return ("zoned" if zoned else "moment", day(date) * DAY + clock(time))


def read_text(one, t):
    """What a value of JSON, or of CSV, says where it is known to be of type t; the other way from
    `values_of`, and by nothing but Python."""
    types = pa.types
    if isinstance(t, pa.BaseExtensionType):
        t = t.storage_type
    if types.is_dictionary(t):
        t = t.value_type
    if one is None:
        return None
    if types.is_null(t):
        return one
    if types.is_boolean(t):
        return {"true": True, "false": False}[one] if isinstance(one, str) else one
    if types.is_integer(t):
        return int(one)
    if types.is_floating(t):
        number = float({"Infinity": "inf", "-Infinity": "-inf"}.get(one, one))
        return real(number if types.is_float64(t) or not math.isfinite(number) else struct.unpack("f", struct.pack("f", number))[0])
    if types.is_decimal(t):
        return fractions.Fraction(one)
    if types.is_date(t):
        return ("day", day(one))
    if types.is_timestamp(t):
        return moment(one, t.tz is not None)
    if types.is_time(t):
        return ("time", clock(one))
    if types.is_map(t):
        return [(read_text(pair["key"], t.key_type), read_text(pair["value"], t.item_type)) for pair in one]
    if types.is_struct(t):
        assert list(one) == [t.field(i).name for i in range(t.num_fields)], f"other fields: {one}"
        return tuple((t.field(i).name, read_text(one[t.field(i).name], t.field(i).type)) for i in range(t.num_fields))
    if hasattr(t, "value_type"):
        return [read_text(item, t.value_type) for item in one]
    if types.is_binary(t) or types.is_large_binary(t) or types.is_binary_view(t) or types.is_fixed_size_binary(t):
        return base64.b64decode(one, validate=True)
    assert isinstance(one, str), f"{one!r} is no text"
    return one
