//! Conversions by name: TO_ and TRY_TO_ functions, with formats where CAST has none.

mod shared;
mod to_binary;
mod to_boolean;
mod to_moment;
mod to_number;
mod to_text;

use super::ScalarFunction;

/// The chapter of this folder's functions.
const CATEGORY: &str = "Conversion";

/// The functions of this folder, file by file.
pub(crate) const FUNCTIONS: &[&ScalarFunction] = &[
    &to_binary::TO_BINARY,
    &to_binary::TRY_TO_BINARY,
    &to_boolean::IMPLICIT_BOOLEAN,
    &to_boolean::TO_BOOLEAN,
    &to_boolean::TRY_TO_BOOLEAN,
    &to_moment::TO_DATE,
    &to_moment::TO_TIME,
    &to_moment::TO_TIMESTAMP,
    &to_moment::TO_TIMESTAMP_LTZ,
    &to_moment::TO_TIMESTAMP_TZ,
    &to_moment::TRY_TO_DATE,
    &to_moment::TRY_TO_TIME,
    &to_moment::TRY_TO_TIMESTAMP,
    &to_moment::TRY_TO_TIMESTAMP_LTZ,
    &to_moment::TRY_TO_TIMESTAMP_TZ,
    &to_number::TO_DOUBLE,
    &to_number::TO_NUMBER,
    &to_number::TRY_TO_DOUBLE,
    &to_number::TRY_TO_NUMBER,
    &to_text::TO_CHAR,
];

#[cfg(test)]
mod tests {
    use crate::test_call::{Given, call, date, int, ltz, ntz, null, number, text, time, typed};
    use firn_types::SqlType;

    fn check(cases: &[(&str, &[Given], &str)]) {
        for (name, arguments, wanted) in cases {
            assert_eq!(call(name, arguments), *wanted, "{name} {arguments:?}");
        }
    }

    #[test]
    fn dates_and_times_are_read_by_looks_and_formats() {
        check(&[
            ("TO_DATE", &[text("2024-01-02")], "2024-01-02"),
            ("TO_DATE", &[text("3/4/2024"), text("dd/mm/yyyy")], "2024-04-03"),
            ("TO_DATE", &[text("2024-01-02"), text("AUTO")], "2024-01-02"),
            ("TO_DATE", &[ntz("2024-01-02 10:00:00")], "2024-01-02"),
            ("TO_DATE", &[null()], "NULL"),
            ("TO_DATE", &[text("31536000")], "1971-01-01"),
            ("TO_DATE", &[text("2024-02-30")], "Date '2024-02-30' is not recognized"),
            (
                "TO_DATE",
                &[text("x"), text("DD.MM.YYYY")],
                "Can't parse 'x' as date with format 'DD.MM.YYYY'",
            ),
            (
                "TO_DATE",
                &[int(20_240_101)],
                "invalid type [CAST(NUMBER(8,0) AS DATE)] for parameter 'TO_DATE'",
            ),
            ("TRY_TO_DATE", &[text("x")], "NULL"),
            ("TRY_TO_DATE", &[text("x"), text("DD")], "NULL"),
            (
                "TRY_TO_DATE",
                &[int(5)],
                "Function TRY_TO_DATE cannot be used with arguments of types NUMBER(1,0) and DATE",
            ),
            ("TO_TIME", &[text("11.15.00"), text("HH24.MI.SS")], "11:15:00"),
            ("TO_TIME", &[ltz("2024-01-02 01:30:00 +00:00")], "17:30:00"),
            ("TO_TIMESTAMP", &[int(31_536_000)], "1971-01-01 00:00:00.000"),
            ("TO_TIMESTAMP", &[int(31_536_000_123), int(3)], "1971-01-01 00:00:00.123"),
            ("TO_TIMESTAMP", &[number("1.5"), int(0)], "1970-01-01 00:00:01.500"),
            ("TO_TIMESTAMP_LTZ", &[int(0)], "1969-12-31 16:00:00.000 -0800"),
            (
                "TO_TIMESTAMP_TZ",
                &[text("2024-01-02 03:04:05 +01:00")],
                "2024-01-02 03:04:05.000 +0100",
            ),
            (
                "TO_TIMESTAMP_NTZ",
                &[text("02.01.2024 04:00 PM"), text("DD.MM.YYYY HH12:MI PM")],
                "2024-01-02 16:00:00.000",
            ),
            ("TO_TIMESTAMP", &[date("2024-01-02")], "2024-01-02 00:00:00.000"),
            (
                "TO_TIMESTAMP",
                &[time("10:00:00")],
                "invalid type [CAST(TIME(9) AS TIMESTAMP_NTZ(9))] for parameter 'TO_TIMESTAMP_NTZ'",
            ),
        ]);
    }

    #[test]
    fn numbers_are_read() {
        check(&[
            ("TO_NUMBER", &[text("12.3456")], "12"),
            ("TO_NUMBER", &[text("98.76546")], "99"),
            ("TO_NUMBER", &[text("98.76546"), int(10), int(2)], "98.77"),
            ("TO_NUMBER", &[text("12,345.67"), text("999,999.99"), int(8), int(2)], "12345.67"),
            ("TO_NUMBER", &[text("ae5"), text("XXX")], "2789"),
            (
                "TO_NUMBER",
                &[text("ae5"), text("XX")],
                "Can't parse 'ae5' as number with format 'XX'",
            ),
            (
                "TO_NUMBER",
                &[text("12.3456"), int(2), int(1)],
                "Numeric value '12.3456' is out of range",
            ),
            ("TO_NUMBER", &[number("12.5")], "13"),
            ("TO_DECIMAL", &[text("")], "Numeric value '' is not recognized"),
            ("TRY_TO_NUMBER", &[text("1,000")], "NULL"),
            ("TRY_TO_NUMBER", &[text("5000"), int(3)], "NULL"),
            ("TO_DOUBLE", &[text("1.50")], "1.5"),
            ("TO_DOUBLE", &[text("12.5%"), text("99.9%")], "0.125"),
            (
                "TO_DOUBLE",
                &[typed("1", SqlType::Boolean)],
                "invalid type [CAST(BOOLEAN AS FLOAT)] for parameter 'TO_DOUBLE'",
            ),
            ("TO_BOOLEAN", &[text("Yes")], "true"),
            ("TRY_TO_BOOLEAN", &[text("xyz")], "NULL"),
            ("TO_BINARY", &[text("SGVs"), text("base64")], "48656C"),
            ("TO_BINARY", &[text("48656C")], "48656C"),
            ("TRY_TO_BINARY", &[text("xyz"), text("HEX")], "NULL"),
        ]);
    }

    #[test]
    fn values_are_printed() {
        let binary = || typed("48656C", SqlType::BINARY);
        check(&[
            ("TO_CHAR", &[number("1.50")], "1.5"),
            ("TO_CHAR", &[int(12), text("\">\"99\"<\"")], "> 12<"),
            ("TO_VARCHAR", &[number("0.25"), text("TM9%")], "25%"),
            ("TO_CHAR", &[typed("1234.5", SqlType::Float), text("9,999.0")], " 1,234.5"),
            ("TO_CHAR", &[date("2024-01-02"), text("mon dd, yyyy")], "Jan 02, 2024"),
            ("TO_CHAR", &[time("15:04:05"), text("HH12:MI AM")], "03:04 PM"),
            ("TO_CHAR", &[ntz("2024-01-02 03:04:05.678"), text("FF6")], "678000"),
            ("TO_CHAR", &[binary(), text("utf-8")], "Hel"),
            ("TO_CHAR", &[null(), text("99")], "NULL"),
            ("TO_CHAR", &[int(5), text("q")], "invalid number format 'q'"),
            (
                "TO_CHAR",
                &[text("a"), text("b")],
                "Invalid argument types for function 'TO_CHAR': (VARCHAR(1), VARCHAR(1))",
            ),
        ]);
    }
}
