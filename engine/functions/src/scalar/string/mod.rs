//! Texts and binary values.
//!
//! Positions and lengths of texts count characters (code points); those of binary values count bytes.

mod case;
mod chars;
mod concat;
mod digest;
mod distance;
mod encode;
mod length;
mod like;
mod matcher;
mod pad;
mod regexp;
mod regexp_all;
mod replace;
mod search;
mod split;
mod substring;
mod trim;

use super::ScalarFunction;

/// The chapter of this folder's functions.
pub(crate) use concat::bind_concat;

const CATEGORY: &str = "String";

/// The functions of this folder, file by file.
pub(crate) const FUNCTIONS: &[&ScalarFunction] = &[
    &case::INITCAP,
    &case::LOWER,
    &case::UPPER,
    &chars::ASCII,
    &chars::CHR,
    &chars::UNICODE,
    &concat::COLLATE,
    &concat::CONCAT,
    &concat::CONCAT_WS,
    &digest::MD5,
    &digest::MD5_BINARY,
    &digest::MD5_NUMBER_LOWER64,
    &digest::MD5_NUMBER_UPPER64,
    &digest::SHA1,
    &digest::SHA1_BINARY,
    &digest::SHA2,
    &digest::SHA2_BINARY,
    &distance::EDITDISTANCE,
    &distance::JAROWINKLER_SIMILARITY,
    &distance::SOUNDEX,
    &encode::BASE64_DECODE_BINARY,
    &encode::BASE64_DECODE_STRING,
    &encode::BASE64_ENCODE,
    &encode::HEX_DECODE_BINARY,
    &encode::HEX_DECODE_STRING,
    &encode::HEX_ENCODE,
    &encode::TRY_BASE64_DECODE_BINARY,
    &encode::TRY_BASE64_DECODE_STRING,
    &encode::TRY_HEX_DECODE_BINARY,
    &encode::TRY_HEX_DECODE_STRING,
    &length::BIT_LENGTH,
    &length::LENGTH,
    &length::OCTET_LENGTH,
    &length::RTRIMMED_LENGTH,
    &like::ILIKE,
    &like::LIKE,
    &pad::LPAD,
    &pad::REPEAT,
    &pad::REVERSE,
    &pad::RPAD,
    &pad::SPACE,
    &regexp::REGEXP_COUNT,
    &regexp::REGEXP_INSTR,
    &regexp::REGEXP_LIKE,
    &regexp::REGEXP_REPLACE,
    &regexp::REGEXP_SUBSTR,
    &regexp_all::REGEXP_SUBSTR_ALL,
    &replace::INSERT,
    &replace::REPLACE,
    &replace::TRANSLATE,
    &search::CHARINDEX,
    &search::CONTAINS,
    &search::ENDSWITH,
    &search::POSITION,
    &search::STARTSWITH,
    &split::SPLIT_PART,
    &split::STRTOK,
    &substring::LEFT,
    &substring::RIGHT,
    &substring::SUBSTR,
    &trim::LTRIM,
    &trim::RTRIM,
    &trim::TRIM,
];
