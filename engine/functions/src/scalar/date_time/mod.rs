//! Dates, times and timestamps.
//!
//! Parts are found in the wall clock's reading: of a TIMESTAMP_LTZ in the session's zone, of a
//! TIMESTAMP_TZ at its offset. A part's name arrives as a constant text, whichever way it was written.
//! The functions count as immutable although TIMEZONE and WEEK_START bear on some answers: as with
//! Snowflake, they may stand in a clustering key and in a materialized view.

mod add;
mod construct;
mod convert_timezone;
mod current;
mod difference;
mod names;
mod operators;
mod parts;
mod temporal;
pub(crate) mod truncate;

use super::ScalarFunction;

pub use operators::{bind_temporal_add, bind_temporal_sub};

/// The chapter of this folder's functions.
const CATEGORY: &str = "Date & time";

/// The functions of this folder, file by file.
pub(crate) const FUNCTIONS: &[&ScalarFunction] = &[
    &add::ADD_MONTHS,
    &add::DATEADD,
    &add::INTERVAL_ADD,
    &construct::DATE_FROM_PARTS,
    &construct::TIMESTAMP_LTZ_FROM_PARTS,
    &construct::TIMESTAMP_NTZ_FROM_PARTS,
    &construct::TIMESTAMP_TZ_FROM_PARTS,
    &construct::TIME_FROM_PARTS,
    &convert_timezone::CONVERT_TIMEZONE,
    &current::CURRENT_DATE,
    &current::CURRENT_TIME,
    &current::CURRENT_TIMESTAMP,
    &current::SYSDATE,
    &difference::DATEDIFF,
    &difference::MONTHS_BETWEEN,
    &names::DAYNAME,
    &names::MONTHNAME,
    &names::NEXT_DAY,
    &names::PREVIOUS_DAY,
    &parts::DATE_PART,
    &parts::DAY,
    &parts::DAYOFWEEK,
    &parts::DAYOFWEEKISO,
    &parts::DAYOFYEAR,
    &parts::HOUR,
    &parts::MINUTE,
    &parts::MONTH,
    &parts::QUARTER,
    &parts::SECOND,
    &parts::WEEK,
    &parts::WEEKISO,
    &parts::YEAR,
    &parts::YEAROFWEEK,
    &parts::YEAROFWEEKISO,
    &truncate::DATE_TRUNC,
    &truncate::LAST_DAY,
    &truncate::TIME_SLICE,
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_call::{call, date, int, ltz, ntz, null, number, text, time, tz};

    #[test]
    fn parts_are_found() {
        let noon = || ntz("2013-05-08 23:39:20.123456789");
        for (part, wanted) in [
            ("year", "2013"),
            ("mm", "5"),
            ("m", "39"),
            ("ns", "123456789"),
            ("dow", "3"),
            ("doy", "128"),
            ("epoch", "1368056360"),
            ("epoch_millisecond", "1368056360123"),
            ("weekiso", "19"),
        ] {
            assert_eq!(call("DATE_PART", &[text(part), noon()]), wanted, "{part}");
        }
        let local = || ltz("2024-01-02 01:30:00 +00:00");
        assert_eq!(call("DAY", &[local()]), "1");
        assert_eq!(call("DATE_PART", &[text("tzh"), local()]), "-8");
        assert_eq!(call("DATE_PART", &[text("tzm"), tz("2024-01-02 01:30:00 -05:30")]), "-30");
        assert_eq!(call("HOUR", &[time("23:39:20")]), "23");
        assert_eq!(call("HOUR", &[date("2024-01-01")]), "0");
        assert_eq!(call("YEAR", &[text("2024-04-08")]), "2024");
        assert_eq!(call("YEAR", &[null()]), "NULL");
        assert_eq!(
            call("DATE_PART", &[text("fortnight"), noon()]),
            "'fortnight' is not a valid date/time component for function DATE_PART"
        );
        assert_eq!(
            call("YEAR", &[int(5)]),
            "Invalid argument types for function 'YEAR': (NUMBER(1,0))"
        );
    }

    #[test]
    fn additions_follow_the_calendar_and_the_clock() {
        let add = |part: &str, count, to| call("DATEADD", &[text(part), int(count), to]);
        assert_eq!(add("month", 1, date("2023-01-31")), "2023-02-28");
        assert_eq!(add("month", 1, date("2023-02-28")), "2023-03-28");
        assert_eq!(add("hour", 2, date("2013-05-08")), "2013-05-08 02:00:00.000");
        assert_eq!(add("day", -1, date("2024-03-01")), "2024-02-29");
        assert_eq!(add("minute", -1, time("00:00:00")), "23:59:00");
        assert_eq!(
            add("month", 6, tz("2024-01-02 00:00:00 -08:00")),
            "2024-07-02 00:00:00.000 -0800"
        );
        assert_eq!(add("month", 6, ltz("2024-01-02 00:00:00")), "2024-07-02 00:00:00.000 -0700");
        assert_eq!(add("day", 1, ltz("2024-03-09 02:30:00")), "2024-03-10 03:30:00.000 -0700");
        assert_eq!(add("hour", 24, ltz("2024-03-09 02:30:00")), "2024-03-10 03:30:00.000 -0700");
        assert_eq!(add("year", 1, text("2024-02-29")), "2025-02-28 00:00:00.000");
        assert_eq!(
            call("DATEADD", &[text("day"), number("1.5"), date("2024-01-01")]),
            "2024-01-03"
        );
        assert_eq!(
            add("year", 1_000_000, date("2024-01-01")),
            "The result of function DATEADD is not a representable date or timestamp"
        );
        assert_eq!(call("ADD_MONTHS", &[date("2016-02-29"), int(1)]), "2016-03-31");
        assert_eq!(
            call("ADD_MONTHS", &[ntz("2016-05-31 10:00:00"), int(-1)]),
            "2016-04-30 10:00:00.000"
        );
    }

    #[test]
    fn intervals_apply_in_order() {
        let add =
            |to, interval: &str, sign| call("$INTERVAL_ADD", &[to, text(interval), int(sign)]);
        assert_eq!(add(date("2019-02-28"), "1 day, 1 year", 1), "2020-03-01");
        assert_eq!(add(date("2019-02-28"), "1 year, 1 day", 1), "2020-02-29");
        assert_eq!(add(date("2019-02-28"), "1 hour", -1), "2019-02-27 23:00:00.000");
        assert_eq!(add(time("01:00:00"), "90 min", -1), "23:30:00");
        assert_eq!(
            add(date("2019-02-28"), "1 day 2 hours", 1),
            "Invalid interval '1 day 2 hours'."
        );
        assert_eq!(
            add(time("01:00:00"), "1 day", 1),
            "Invalid argument types for function '+': (TIME(9), VARCHAR(5))"
        );
    }

    #[test]
    fn differences_count_boundaries() {
        let diff = |part: &str, a, b| call("DATEDIFF", &[text(part), a, b]);
        assert_eq!(diff("year", date("2015-12-31"), date("2016-01-01")), "1");
        assert_eq!(diff("hour", ntz("2024-01-01 01:59:59"), ntz("2024-01-01 02:00:00")), "1");
        assert_eq!(diff("week", date("2024-01-07"), date("2024-01-08")), "1");
        assert_eq!(diff("day", date("2024-01-02"), ntz("2024-01-01 23:00:00")), "-1");
        assert_eq!(diff("ns", date("0001-01-01"), date("9999-12-31")), "315537811200000000000");
        assert_eq!(
            diff("hour", tz("2024-01-01 00:00:00 +00:00"), tz("2024-01-01 01:00:00 +01:00")),
            "0"
        );
        assert_eq!(
            diff("day", date("2024-01-01"), time("01:00:00")),
            "Invalid argument types for function 'DATEDIFF': (VARCHAR(3), DATE, TIME(9))"
        );
        let between = |a, b| call("MONTHS_BETWEEN", &[date(a), date(b)]);
        assert_eq!(between("2019-03-01", "2019-02-15"), "0.548387");
        assert_eq!(between("2019-03-31", "2019-02-28"), "1.000000");
    }

    #[test]
    fn moments_are_cut_to_units() {
        let cut = |part: &str, of| call("DATE_TRUNC", &[text(part), of]);
        assert_eq!(cut("week", date("2024-01-07")), "2024-01-01");
        assert_eq!(cut("quarter", ntz("2024-05-07 01:02:03")), "2024-04-01 00:00:00.000");
        assert_eq!(cut("hour", time("23:39:20")), "23:00:00");
        assert_eq!(cut("day", ltz("2024-01-02 01:30:00 +00:00")), "2024-01-01 00:00:00.000 -0800");
        assert_eq!(cut("minute", date("2024-01-07")), "2024-01-07");
        assert_eq!(call("DATE_TRUNC", &[date("2024-05-07"), text("month")]), "2024-05-01");
        assert_eq!(
            cut("month", time("01:00:00")),
            "'month' is not a valid date/time component for function DATE_TRUNC"
        );
        assert_eq!(call("LAST_DAY", &[ntz("2024-02-08 10:00:00")]), "2024-02-29");
        assert_eq!(call("LAST_DAY", &[date("2024-02-08"), text("week")]), "2024-02-11");
        let slice = |of, count, part: &str, edge: &str| {
            call("TIME_SLICE", &[of, int(count), text(part), text(edge)])
        };
        assert_eq!(slice(date("2019-02-28"), 4, "MONTH", "START"), "2019-01-01");
        assert_eq!(slice(date("2019-02-28"), 4, "MONTH", "END"), "2019-05-01");
        assert_eq!(
            slice(ntz("2024-01-01 10:17:00"), 15, "minute", "start"),
            "2024-01-01 10:15:00.000"
        );
        assert_eq!(call("NEXT_DAY", &[date("2024-01-05"), text("Friday ")]), "2024-01-12");
        assert_eq!(call("DAYNAME", &[date("2024-04-08")]), "Mon");
    }

    #[test]
    fn values_are_made_of_parts() {
        let parts = |name, parts: &[i64]| {
            call(name, &parts.iter().map(|&part| int(part)).collect::<Vec<_>>())
        };
        assert_eq!(parts("DATE_FROM_PARTS", &[2010, 1, 100]), "2010-04-10");
        assert_eq!(parts("DATE_FROM_PARTS", &[2004, 0, 1]), "2003-12-01");
        assert_eq!(parts("TIME_FROM_PARTS", &[12, 0, 12345]), "15:25:45");
        assert_eq!(
            parts("TIMESTAMP_FROM_PARTS", &[2013, 4, 5, 12, 0, -3600]),
            "2013-04-05 11:00:00.000"
        );
        assert_eq!(
            parts("TIMESTAMP_LTZ_FROM_PARTS", &[2013, 4, 5, 12, 0, 0, 5_000_000]),
            "2013-04-05 12:00:00.005 -0700"
        );
        assert_eq!(
            call("TIMESTAMP_FROM_PARTS", &[date("2013-04-05"), time("12:00:00")]),
            "2013-04-05 12:00:00.000"
        );
    }

    #[test]
    fn zones_convert() {
        let convert = |arguments: &[_]| call("CONVERT_TIMEZONE", arguments);
        let (angeles, york) = ("America/Los_Angeles", "America/New_York");
        assert_eq!(
            convert(&[text(angeles), text(york), text("2024-01-01 14:00:00")]),
            "2024-01-01 17:00:00.000"
        );
        assert_eq!(
            convert(&[text(york), tz("2024-04-05 12:00:00 +02:00")]),
            "2024-04-05 06:00:00.000 -0400"
        );
        assert_eq!(
            convert(&[text(york), ntz("2024-01-01 14:00:00")]),
            "2024-01-01 17:00:00.000 -0500"
        );
        assert_eq!(convert(&[text("nowhere"), date("2024-01-01")]), "Unknown timezone: 'nowhere'");
        assert_eq!(
            convert(&[text(angeles), text(york), tz("2024-01-01 14:00:00 +00:00")]),
            "Invalid argument types for function 'CONVERT_TIMEZONE': (VARCHAR(19), VARCHAR(16), \
             TIMESTAMP_TZ(9))"
        );
    }

    #[test]
    fn operators_take_days() {
        use crate::test_call::bind_and_call;
        let add = |a, b| bind_and_call(|arguments| bind_temporal_add(arguments).unwrap(), &[a, b]);
        let sub = |a, b| bind_and_call(|arguments| bind_temporal_sub(arguments).unwrap(), &[a, b]);
        assert_eq!(add(date("2024-02-28"), int(2)), "2024-03-01");
        assert_eq!(add(int(2), date("2024-02-28")), "2024-03-01");
        assert_eq!(sub(date("2024-03-01"), int(1)), "2024-02-29");
        assert_eq!(sub(date("2024-03-01"), date("2024-02-01")), "29");
        assert_eq!(
            sub(int(1), date("2024-03-01")),
            "Invalid argument types for function '-': (NUMBER(1,0), DATE)"
        );
        assert_eq!(
            add(ntz("2024-03-01"), int(1)),
            "Invalid argument types for function '+': (TIMESTAMP_NTZ(9), NUMBER(1,0))"
        );
        assert_eq!(
            add(date("2024-03-01"), date("2024-03-01")),
            "Invalid argument types for function '+': (DATE, DATE)"
        );
        assert!(bind_temporal_add(&[int(1).0, int(1).0]).is_none());
    }
}
