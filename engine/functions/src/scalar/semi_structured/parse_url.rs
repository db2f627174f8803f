//! PARSE_URL: the parts of a URL as an object.

use firn_types::variant::Builder;
use firn_types::{Error, ErrorCode, Result, SqlType};

use super::row::{Row, builds};
use super::{Want, bind, define, example};
use crate::Arity;
use crate::NullRule;
use crate::scalar::ScalarFunction;

pub(super) const PARSE_URL: ScalarFunction = define(
    "PARSE_URL",
    Arity::between(1, 2),
    |a| {
        let wants = [Want::Text, Want::Integer];
        bind("PARSE_URL", a, &wants, SqlType::Object, builds(NullRule::Propagate, parse_url))
    },
    "The parts of a URL; with 1 as second argument, a bad URL gives an object with the error.",
    &[
        example(
            "TO_JSON(PARSE_URL('https://a.b:81/c/d?x=1&y#z'))",
            "{\"fragment\":\"z\",\"host\":\"a.b\",\"parameters\":{\"x\":\"1\",\"y\":\"\"},\
             \"path\":\"c/d\",\"port\":\"81\",\"query\":\"x=1&y\",\"scheme\":\"https\"}",
        ),
        example("TO_JSON(PARSE_URL('a.b', 1))", "{\"error\":\"scheme not specified\"}"),
    ],
);

/// The parts of a URL, as they are written.
#[derive(Debug, Default)]
struct Parts<'a> {
    scheme: &'a str,
    host: Option<&'a str>,
    port: Option<&'a str>,
    path: Option<&'a str>,
    query: Option<&'a str>,
    fragment: Option<&'a str>,
}

fn parse_url(row: &Row<'_>, out: &mut Builder) -> Result<bool> {
    let Some(url) = row.text(0) else { return Ok(false) };
    match cut(url) {
        Ok(parts) => write(&parts, out)?,
        Err(reason) if row.integer(1) == Some(1) => {
            out.begin_object()?;
            out.key("error");
            out.text(reason);
            out.end_object()?;
        }
        Err(reason) => {
            let message = format!("Error parsing URL: {reason}");
            return Err(Error::new(ErrorCode::InvalidUrlText, message));
        }
    }
    Ok(true)
}

fn cut(url: &str) -> Result<Parts<'_>, &'static str> {
    let url = url.trim();
    let (scheme, rest) = url.split_once(':').ok_or("scheme not specified")?;
    let is_scheme = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    if !scheme.starts_with(|c: char| c.is_ascii_alphabetic()) || !scheme.chars().all(is_scheme) {
        return Err("scheme not specified");
    }
    let (rest, fragment) = divide(rest, '#');
    let (rest, query) = divide(rest, '?');
    let mut parts = Parts { scheme, query, fragment, ..Parts::default() };
    let Some(rest) = rest.strip_prefix("//") else {
        parts.path = Some(rest);
        return Ok(parts);
    };
    let (authority, path) = divide(rest, '/');
    parts.path = path;
    let (host, port) = match authority.rsplit_once(':') {
        // The colon of a password, or inside an IPv6 address, is not that of a port.
        Some((host, port)) if !port.contains(['@', ']']) => (host, Some(port)),
        _ => (authority, None),
    };
    if port.is_some_and(|port| port.is_empty() || !port.bytes().all(|b| b.is_ascii_digit())) {
        return Err("invalid port");
    }
    parts.host = Some(host);
    parts.port = port;
    Ok(parts)
}

fn divide(text: &str, at: char) -> (&str, Option<&str>) {
    text.split_once(at).map_or((text, None), |(before, after)| (before, Some(after)))
}

fn write(parts: &Parts<'_>, out: &mut Builder) -> Result<()> {
    let scheme = parts.scheme.to_lowercase();
    let member = |key: &str, value: Option<&str>, out: &mut Builder| {
        out.key(key);
        match value {
            Some(value) => out.text(value),
            None => out.null(),
        }
    };
    out.begin_object()?;
    member("fragment", parts.fragment, out);
    member("host", parts.host, out);
    out.key("parameters");
    match parts.query {
        Some(query) => {
            out.begin_object()?;
            for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
                let (key, value) = parameter.split_once('=').unwrap_or((parameter, ""));
                out.key(key);
                out.text(value);
            }
            out.end_object_keeping_last()?;
        }
        None => out.null(),
    }
    member("path", parts.path, out);
    member("port", parts.port, out);
    member("query", parts.query, out);
    member("scheme", Some(&scheme), out);
    out.end_object()
}
