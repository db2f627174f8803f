//! Texts and binary values.
//!
//! Positions and lengths of texts count characters (code points); those of binary values count bytes.

mod case;
mod chars;
mod collate;
mod compress;
mod concat;
mod digest;
mod distance;
mod encode;
mod encrypt;
mod full_text;
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

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::ScalarFunction;

/// The chapter of this folder's functions.
pub(crate) use concat::bind_concat;

const CATEGORY: &str = "String";

/// The first and the last address of the network that has a prefix of this length; none when the prefix is too long.
pub(crate) fn ip_range(address: IpAddr, length: u8) -> Option<(IpAddr, IpAddr)> {
    match address {
        IpAddr::V4(address) if length <= 32 => {
            let host = u32::MAX.checked_shr(u32::from(length)).unwrap_or(0);
            let bits = u32::from(address);
            let ends = (Ipv4Addr::from(bits & !host), Ipv4Addr::from(bits | host));
            Some((ends.0.into(), ends.1.into()))
        }
        IpAddr::V6(address) if length <= 128 => {
            let host = u128::MAX.checked_shr(u32::from(length)).unwrap_or(0);
            let bits = u128::from(address);
            let ends = (Ipv6Addr::from(bits & !host), Ipv6Addr::from(bits | host));
            Some((ends.0.into(), ends.1.into()))
        }
        _ => None,
    }
}

/// The functions of this folder, file by file.
pub(crate) const FUNCTIONS: &[&ScalarFunction] = &[
    &case::INITCAP,
    &case::LOWER,
    &case::UPPER,
    &chars::ASCII,
    &chars::CHR,
    &chars::UNICODE,
    &compress::COMPRESS,
    &compress::DECOMPRESS_BINARY,
    &compress::DECOMPRESS_STRING,
    &collate::FOLD,
    &collate::KEY,
    &collate::LETTERS,
    &collate::PART,
    &collate::POSITION,
    &collate::SPELL,
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
    &distance::SOUNDEX_P123,
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
    &encrypt::DECRYPT,
    &encrypt::DECRYPT_RAW,
    &encrypt::ENCRYPT,
    &encrypt::ENCRYPT_RAW,
    &encrypt::TRY_DECRYPT,
    &encrypt::TRY_DECRYPT_RAW,
    &full_text::SEARCH,
    &full_text::SEARCH_IP,
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
