//! XML documents to values.
//!
//! An element is an object: `@` is its name, `@name` an attribute, and `$` its content, which is a text, a number, a
//! truth value, an element, or an array of several of them. For each name of the elements inside, the object says
//! where in `$` they are.

use std::collections::HashMap;

use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};

use super::encode::Builder;
use crate::limits::NESTING_MAX;
use crate::{Decimal, Error, ErrorCode, Result};

/// Elements of a document: each takes more than a hundred bytes beside its text while it is read.
const ELEMENTS_MAX: usize = 1_000_000;

/// An element on its way.
#[derive(Debug, Default)]
struct Element {
    name: String,
    /// Names and values, in order of the names.
    attributes: Vec<(String, String)>,
    content: Vec<Node>,
    /// Text that has come since the last element inside.
    text: String,
}

#[derive(Debug)]
enum Node {
    Text(String),
    Element(Element),
}

/// Reads a document; FALSE when there is none in the text. `converts` says whether numbers and truth values are
/// told from texts.
///
/// # Errors
/// `InvalidXml`, with what is wrong and where.
pub fn read(text: &str, converts: bool, out: &mut Builder) -> Result<bool> {
    let Some(root) = parse(text)? else { return Ok(false) };
    write(&root, converts, out)?;
    Ok(true)
}

fn refuse(what: impl std::fmt::Display, position: u64) -> Error {
    Error::new(ErrorCode::InvalidXml, format!("{what}, pos {position}"))
}

/// The outermost element.
fn parse(text: &str) -> Result<Option<Element>> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    let mut reader = Reader::from_str(text);
    let config = reader.config_mut();
    // Which names belong together is said here, in Snowflake's words.
    (config.check_end_names, config.allow_unmatched_ends) = (false, true);
    let mut open: Vec<Element> = Vec::new();
    let mut root = None;
    let mut elements = 0;
    loop {
        let event = reader.read_event();
        let position = reader.buffer_position();
        let event = event.map_err(|error| refuse(error, reader.error_position()))?;
        elements += usize::from(matches!(event, Event::Start(_) | Event::Empty(_)));
        if elements > ELEMENTS_MAX {
            let text = format!("a document has at most {ELEMENTS_MAX} elements");
            return Err(refuse(text, position));
        }
        match event {
            Event::Start(start) | Event::Empty(start) if root.is_some() => {
                let name = String::from_utf8_lossy(start.name().as_ref()).into_owned();
                return Err(refuse(format!("a second document begins with <{name}>"), position));
            }
            Event::Start(start) => {
                if open.len() >= NESTING_MAX {
                    return Err(refuse("elements are nested too deeply", position));
                }
                open.push(element(&start, position)?);
            }
            Event::Empty(start) => close(element(&start, position)?, &mut open, &mut root),
            Event::End(end) => {
                let name = String::from_utf8_lossy(end.name().as_ref()).into_owned();
                match open.pop() {
                    Some(element) if element.name == name => close(element, &mut open, &mut root),
                    _ => return Err(refuse(format!("no opening tag for </{name}>"), position)),
                }
            }
            Event::Text(text) => {
                let text = text.xml10_content().map_err(|error| refuse(error, position))?;
                add_text(&text, &mut open, position)?;
            }
            Event::CData(text) => {
                let text = text.xml10_content().map_err(|error| refuse(error, position))?;
                add_text(&text, &mut open, position)?;
            }
            Event::GeneralRef(reference) => {
                add_text(&referred(&reference, position)?, &mut open, position)?;
            }
            Event::Eof => break,
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
    if let Some(element) = open.last() {
        return Err(refuse(format!("missing closing tag </{}>", element.name), text.len() as u64));
    }
    root.map(Some).ok_or_else(|| refuse("not an XML document", text.len() as u64))
}

/// The text that `&name;` or `&#65;` stands for.
fn referred(reference: &BytesRef<'_>, position: u64) -> Result<String> {
    let name = reference.decode().map_err(|error| refuse(error, position))?;
    let character = reference.resolve_char_ref().map_err(|error| refuse(error, position))?;
    match (character, resolve_predefined_entity(&name)) {
        (Some(character), _) => Ok(character.to_string()),
        (None, Some(text)) => Ok(text.to_string()),
        (None, None) => Err(refuse(format!("unknown entity &{name};"), position)),
    }
}

fn element(start: &BytesStart<'_>, position: u64) -> Result<Element> {
    let name = String::from_utf8_lossy(start.name().as_ref()).into_owned();
    let mut attributes = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| refuse(error, position))?;
        let value = attribute.normalized_value(XmlVersion::Implicit1_0);
        let value = value.map_err(|error| refuse(error, position))?.into_owned();
        attributes.push((String::from_utf8_lossy(attribute.key.as_ref()).into_owned(), value));
    }
    attributes.sort();
    Ok(Element { name, attributes, content: Vec::new(), text: String::new() })
}

fn add_text(text: &str, open: &mut [Element], position: u64) -> Result<()> {
    match open.last_mut() {
        Some(element) => element.text.push_str(text),
        None if text.trim().is_empty() => {}
        None => return Err(refuse("not an XML document", position)),
    }
    Ok(())
}

/// Puts a whole element where it belongs.
fn close(mut element: Element, open: &mut [Element], root: &mut Option<Element>) {
    element.end_text();
    match open.last_mut() {
        Some(outer) => {
            outer.end_text();
            outer.content.push(Node::Element(element));
        }
        None => *root = Some(element),
    }
}

impl Element {
    /// The text so far is a part of the content, unless it is blank.
    fn end_text(&mut self) {
        let text = self.text.trim();
        if !text.is_empty() {
            self.content.push(Node::Text(text.to_string()));
        }
        self.text.clear();
    }

    /// Where the elements of each name are in the content, by name.
    fn positions(&self) -> Vec<(&str, Vec<usize>)> {
        let mut positions: HashMap<&str, Vec<usize>> = HashMap::new();
        for (at, node) in self.content.iter().enumerate() {
            let Node::Element(element) = node else { continue };
            positions.entry(&element.name).or_default().push(at);
        }
        let mut positions: Vec<_> = positions.into_iter().collect();
        positions.sort_unstable();
        positions
    }
}

fn write(element: &Element, converts: bool, out: &mut Builder) -> Result<()> {
    out.begin_object()?;
    out.key("$");
    match &element.content[..] {
        [] => out.text(""),
        [only] => write_node(only, converts, out)?,
        nodes => {
            out.begin_array()?;
            nodes.iter().try_for_each(|node| write_node(node, converts, out))?;
            out.end_array()?;
        }
    }
    out.key("@");
    out.text(&element.name);
    for (name, value) in &element.attributes {
        out.key(&format!("@{name}"));
        write_text(value, converts, out);
    }
    for (name, places) in element.positions() {
        out.key(name);
        let number = |place: usize| i128::try_from(place).unwrap_or(i128::MAX);
        match &places[..] {
            [only] => out.integer(number(*only)),
            several => {
                out.begin_array()?;
                several.iter().for_each(|place| out.integer(number(*place)));
                out.end_array()?;
            }
        }
    }
    out.end_object()
}

fn write_node(node: &Node, converts: bool, out: &mut Builder) -> Result<()> {
    match node {
        Node::Element(element) => write(element, converts, out),
        Node::Text(text) => {
            write_text(text, converts, out);
            Ok(())
        }
    }
}

/// A text, or the number or truth value that it writes.
fn write_text(text: &str, converts: bool, out: &mut Builder) {
    match text {
        "true" | "false" if converts => out.boolean(text == "true"),
        _ => match number(text).filter(|_| converts) {
            Some(Number::Decimal(number)) => out.decimal(number),
            Some(Number::Float(number)) => out.float(number),
            None => out.text(text),
        },
    }
}

enum Number {
    Decimal(Decimal),
    Float(f64),
}

/// The number of a text that is written as JSON writes numbers; none for one that is larger than any.
fn number(text: &str) -> Option<Number> {
    let float = || {
        let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
        number.map(Number::Float)
    };
    let digits = text.strip_prefix('-').unwrap_or(text);
    let whole = digits.bytes().take_while(u8::is_ascii_digit).count();
    let leading_zero = whole > 1 && digits.starts_with('0');
    if whole == 0 || leading_zero {
        return None;
    }
    let rest = &digits[whole..];
    let fraction = match rest.strip_prefix('.') {
        Some(fraction) => fraction.bytes().take_while(u8::is_ascii_digit).count(),
        None => 0,
    };
    if rest.starts_with('.') && fraction == 0 {
        return None;
    }
    let exponent = &rest[if fraction > 0 { fraction + 1 } else { 0 }..];
    if !exponent.is_empty() {
        let digits = exponent.strip_prefix(['e', 'E'])?.trim_start_matches(['+', '-']);
        let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        return plain.then(float)?;
    }
    if whole + fraction > 38 {
        return float();
    }
    let unscaled = text.replace('.', "").parse().ok()?;
    Some(Number::Decimal(Decimal { unscaled, scale: u8::try_from(fraction).ok()? }))
}

#[cfg(test)]
mod tests {
    use super::super::{JsonWriter, PlainText, Variant};
    use super::*;

    fn json(text: &str) -> Result<String> {
        let (mut builder, mut bytes) = (Builder::new(), Vec::new());
        if !read(text, true, &mut builder)? {
            return Ok("NULL".to_string());
        }
        builder.finish(&mut bytes)?;
        Ok(JsonWriter::compact(&PlainText).text(Variant::new(&bytes)))
    }

    #[test]
    fn documents_become_objects() -> Result<()> {
        for (text, expected) in [
            ("<a/>", r#"{"$":"","@":"a"}"#),
            (r#"<a y="2" x="v">t</a>"#, r#"{"$":"t","@":"a","@x":"v","@y":2}"#),
            ("<a><b>1</b></a>", r#"{"$":{"$":1,"@":"b"},"@":"a","b":0}"#),
            (
                "<a>t<b>1</b>u<b/></a>",
                r#"{"$":["t",{"$":1,"@":"b"},"u",{"$":"","@":"b"}],"@":"a","b":[1,3]}"#,
            ),
            ("<a> -0.50 </a>", r#"{"$":-0.5,"@":"a"}"#),
            ("<a>007</a>", r#"{"$":"007","@":"a"}"#),
            ("<a>1.</a>", r#"{"$":"1.","@":"a"}"#),
            ("<a>true</a>", r#"{"$":true,"@":"a"}"#),
            ("<a>1e999</a>", r#"{"$":"1e999","@":"a"}"#),
            ("<a>1e+-5</a>", r#"{"$":"1e+-5","@":"a"}"#),
            (
                "<a>t<c/><b/><c/></a>",
                r#"{"$":["t",{"$":"","@":"c"},{"$":"","@":"b"},{"$":"","@":"c"}],"@":"a","b":2,"c":[1,3]}"#,
            ),
            ("<a>&lt;&#65;<![CDATA[<b>]]></a>", r#"{"$":"<A<b>","@":"a"}"#),
            ("<?xml version=\"1.0\"?><!DOCTYPE a []><a>x<!-- c --></a>", r#"{"$":"x","@":"a"}"#),
            ("  ", "NULL"),
        ] {
            assert_eq!(json(text)?, expected, "{text}");
        }
        Ok(())
    }

    #[test]
    fn what_is_no_document_is_an_error() {
        for (text, expected) in [
            ("not xml", "not an XML document, pos 7"),
            (
                "<name> Invalid </WRONG_CLOSING_TAG>",
                "no opening tag for </WRONG_CLOSING_TAG>, pos 35",
            ),
            ("<a><b></b>", "missing closing tag </a>, pos 10"),
            ("<a/><b/>", "a second document begins with <b>, pos 8"),
            ("<a>&x;</a>", "unknown entity &x;, pos 6"),
        ] {
            let error = json(text).map_err(|error| error.detail().to_string());
            assert_eq!(error, Err(expected.to_string()), "{text}");
        }
        assert!(json("<a x=1/>").is_err());
        assert!(json(&"<a>".repeat(NESTING_MAX + 1)).is_err());
    }
}
