//! PARSE_IP: the parts of an IP address as an object.

use std::fmt::Write as _;
use std::net::IpAddr;

use firn_types::variant::Builder;
use firn_types::{Error, ErrorCode, Result, SqlType};

use super::super::string::ip_range;
use super::row::{Row, builds};
use super::{Want, bind, define, example};
use crate::Arity;
use crate::NullRule;
use crate::scalar::ScalarFunction;

pub(super) const PARSE_IP: ScalarFunction = define(
    "PARSE_IP",
    Arity::between(2, 3),
    |a| {
        let wants = [Want::Text, Want::Text, Want::Integer];
        bind("PARSE_IP", a, &wants, SqlType::Object, builds(NullRule::Propagate, parse_ip))
    },
    "The parts of an IP address; with 1 as third argument, a bad one gives an object with the error.",
    &[
        example(
            "TO_JSON(PARSE_IP('192.168.242.188/24', 'INET'))",
            "{\"family\":4,\"host\":\"192.168.242.188\",\"ip_fields\":[3232297660,0,0,0],\
             \"ip_type\":\"inet\",\"ipv4\":3232297660,\"ipv4_range_end\":3232297727,\
             \"ipv4_range_start\":3232297472,\"netmask_prefix_length\":24,\
             \"snowflake$type\":\"ip_address\"}",
        ),
        example(
            "PARSE_IP('fe80::20c:29ff:fe2c:429/64', 'INET'):hex_ipv6_range_end::VARCHAR",
            "FE80000000000000FFFFFFFFFFFFFFFF",
        ),
    ],
);

fn parse_ip(row: &Row<'_>, out: &mut Builder) -> Result<bool> {
    let (Some(text), Some(kind)) = (row.text(0), row.text(1)) else { return Ok(false) };
    let kind = kind.trim().to_lowercase();
    match read(text, &kind) {
        Ok((address, length)) => write(address, length, &kind, out)?,
        Err(reason) if row.integer(2) == Some(1) => {
            out.begin_object()?;
            out.key("error");
            out.text(&reason);
            out.end_object()?;
        }
        Err(reason) => {
            let message = format!("Error parsing IP: {reason}");
            return Err(Error::new(ErrorCode::InvalidValue, message));
        }
    }
    Ok(true)
}

/// The address and the length of its network's prefix.
fn read(text: &str, kind: &str) -> Result<(IpAddr, Option<u8>), String> {
    if !matches!(kind, "inet" | "cidr") {
        return Err(format!("type '{kind}' is neither inet nor cidr"));
    }
    let text = text.trim();
    let (host, length) = match text.split_once('/') {
        Some((host, length)) => (host, Some(length)),
        None => (text, None),
    };
    let wrong = || format!("'{text}' is no IP address");
    let address: IpAddr = host.parse().map_err(|_| wrong())?;
    let bits = if address.is_ipv4() { 32 } else { 128 };
    let length = length.map(|length| length.parse::<u8>().ok().filter(|length| *length <= bits));
    match length {
        Some(None) => Err(wrong()),
        Some(length) => Ok((address, length)),
        None => Ok((address, None)),
    }
}

fn write(address: IpAddr, length: Option<u8>, kind: &str, out: &mut Builder) -> Result<()> {
    let range = length.and_then(|length| ip_range(address, length));
    let bits = match address {
        IpAddr::V4(address) => u128::from(u32::from(address)) << 96,
        IpAddr::V6(address) => u128::from(address),
    };
    let fields = [96, 64, 32, 0].map(|shift| (bits >> shift) as u32);
    out.begin_object()?;
    out.key("family");
    out.integer(if address.is_ipv4() { 4 } else { 6 });
    out.key("host");
    out.text(&address.to_string());
    out.key("ip_fields");
    out.begin_array()?;
    fields.iter().for_each(|field| out.integer(i128::from(*field)));
    out.end_array()?;
    out.key("ip_type");
    out.text(kind);
    let ends = range.map(|(start, end)| [("_range_start", start), ("_range_end", end)]);
    for (suffix, address) in [("", address)].into_iter().chain(ends.into_iter().flatten()) {
        match address {
            IpAddr::V4(address) => {
                out.key(&format!("ipv4{suffix}"));
                out.integer(i128::from(u32::from(address)));
            }
            IpAddr::V6(address) => {
                let mut hex = String::new();
                let _ = write!(hex, "{:032X}", u128::from(address));
                out.key(&format!("hex_ipv6{suffix}"));
                out.text(&hex);
            }
        }
    }
    if let Some(length) = length {
        out.key("netmask_prefix_length");
        out.integer(i128::from(length));
    }
    out.key("snowflake$type");
    out.text("ip_address");
    out.end_object()
}
