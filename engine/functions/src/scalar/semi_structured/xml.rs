//! XML: reading, testing, writing, and the elements inside of one.

use firn_types::variant::{Builder, Item, XmlWriter, is_element, xml_read};
use firn_types::{Error, ErrorCode, Result, SqlType};

use super::row::{Row, builds, finds, writes};
use super::{Want, bind, define, example};
use crate::cast::SessionText;
use crate::scalar::ScalarFunction;
use crate::{Arity, NullRule};

pub(super) const PARSE_XML: ScalarFunction = define(
    "PARSE_XML",
    Arity::between(1, 2),
    |a| {
        let kernel = builds(NullRule::Propagate, |row, out| parse(row, out).map_err(of_parsing));
        bind("PARSE_XML", a, &[Want::Text, Want::Boolean], SqlType::Object, kernel)
    },
    "The XML document of a text, as an object; NULL for an empty text. With TRUE, numbers stay texts.",
    &[
        example("PARSE_XML('<a attr=\"1\">x</a>')", "<a attr=\"1\">x</a>"),
        example(
            "TO_JSON(PARSE_XML('<a><b>1</b></a>'))",
            "{\"$\":{\"$\":1,\"@\":\"b\"},\"@\":\"a\",\"b\":0}",
        ),
    ],
);

pub(super) const CHECK_XML: ScalarFunction = define(
    "CHECK_XML",
    Arity::between(1, 2),
    |a| {
        let kernel = writes(NullRule::Propagate, |row, out| {
            let wrong = parse(row, &mut Builder::new()).err();
            wrong.iter().for_each(|error| out.push_str(error.detail()));
            Ok(wrong.is_some())
        });
        bind("CHECK_XML", a, &[Want::Text, Want::Boolean], SqlType::TEXT, kernel)
    },
    "What is wrong with an XML document; NULL when nothing is.",
    &[
        example("CHECK_XML('<name> Valid </name>')", "NULL"),
        example("CHECK_XML('<name> Invalid </WRONG>')", "no opening tag for </WRONG>, pos 23"),
    ],
);

pub(super) const XMLGET: ScalarFunction = define(
    "XMLGET",
    Arity::between(2, 3),
    |a| {
        let kernel = finds(NullRule::Propagate, |row| Ok(get(row)));
        bind("XMLGET", a, &[Want::Object, Want::Text, Want::Integer], SqlType::Object, kernel)
    },
    "The element of a name inside of an element; of several, the one with a number, from 0.",
    &[example("XMLGET(PARSE_XML('<a><b>1</b><b>2</b></a>'), 'b', 1)", "<b>2</b>")],
);

pub(super) const TO_XML: ScalarFunction = define(
    "TO_XML",
    Arity::exactly(1),
    |a| {
        let kernel = writes(NullRule::Propagate, |row, out| {
            let Some(value) = row.variant(0) else { return Ok(false) };
            XmlWriter::compact(&SessionText(row.context)).write(value, out);
            Ok(true)
        });
        bind("TO_XML", a, &[Want::Any], SqlType::TEXT, kernel)
    },
    "The XML text of a value.",
    &[
        example("TO_XML(PARSE_XML('<a> <b>1</b> </a>'))", "<a><b>1</b></a>"),
        example(
            "TO_XML(PARSE_JSON('{\"k\": \"v\"}'))",
            "<SnowflakeData type=\"OBJECT\"><k type=\"VARCHAR\">v</k></SnowflakeData>",
        ),
    ],
);

fn parse(row: &Row<'_>, out: &mut Builder) -> Result<bool> {
    let Some(text) = row.text(0) else { return Ok(false) };
    let converts = !row.boolean(1).unwrap_or(false);
    xml_read::read(text, converts, out)
}

fn of_parsing(error: Error) -> Error {
    match error.code() {
        ErrorCode::InvalidXml => error.map_detail(|detail| format!("Error parsing XML: {detail}")),
        _ => error,
    }
}

fn get<'a>(row: &Row<'a>) -> Option<firn_types::variant::Variant<'a>> {
    let (fields, name) = (row.object(0)?, row.text(1)?);
    let number = if row.len() > 2 { usize::try_from(row.integer(2)?).ok()? } else { 0 };
    if !is_element(&fields) {
        return None;
    }
    let content = fields.get("$")?;
    let nodes: Vec<_> = match content.item() {
        Item::Array(nodes) => nodes.iter().collect(),
        _ => vec![content],
    };
    let named = nodes.into_iter().filter(|node| {
        let inner = node.as_object().filter(is_element);
        matches!(inner.and_then(|f| f.get("@")).map(|n| n.item()), Some(Item::Text(n)) if n == name)
    });
    named.into_iter().nth(number)
}
