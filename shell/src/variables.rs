//! `&name` substitution: the client's own variables, replaced in a statement's text before it is sent.

use std::collections::BTreeMap;

/// The variables by their upper-case names.
#[derive(Clone, Debug, Default)]
pub(crate) struct Variables {
    values: BTreeMap<String, String>,
}

impl Variables {
    /// Defines a variable; names are case-insensitive and made of letters, digits and `_`.
    ///
    /// # Errors
    /// A message when the name holds anything else.
    pub(crate) fn define(&mut self, name: &str, value: &str) -> Result<(), String> {
        if name.is_empty() || !name.chars().all(is_name) {
            return Err(format!("'{name}' cannot be a variable's name"));
        }
        self.values.insert(name.to_ascii_uppercase(), value.to_string());
        Ok(())
    }

    /// All variables, by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The text with `&name` and `&{name}` replaced, and `&&` made `&`; everywhere, also in strings.
    ///
    /// # Errors
    /// `Variable x is not defined`.
    pub(crate) fn substitute(&self, text: &str) -> Result<String, String> {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find('&') {
            out.push_str(&rest[..at]);
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix('&') {
                out.push('&');
                rest = after;
                continue;
            }
            let (name, after) = reference(rest);
            match name {
                Some(name) => out.push_str(self.value(name)?),
                None => out.push('&'),
            }
            rest = after;
        }
        out.push_str(rest);
        Ok(out)
    }

    fn value(&self, name: &str) -> Result<&str, String> {
        self.values
            .get(&name.to_ascii_uppercase())
            .map(String::as_str)
            .ok_or_else(|| format!("Variable {name} is not defined"))
    }
}

/// The name that the text behind `&` begins with, and what follows it.
fn reference(text: &str) -> (Option<&str>, &str) {
    if let Some(inner) = text.strip_prefix('{')
        && let Some((name, after)) = inner.split_once('}')
        && !name.is_empty()
        && name.chars().all(is_name)
    {
        return (Some(name), after);
    }
    let end = text.find(|c| !is_name(c)).unwrap_or(text.len());
    if end == 0 { (None, text) } else { (Some(&text[..end]), &text[end..]) }
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_replaced_everywhere() {
        let mut variables = Variables::default();
        variables.define("city", "Bern").unwrap();
        variables.define("n", "2").unwrap();
        let check = |text: &str, expect: &str| {
            assert_eq!(variables.substitute(text).as_deref(), Ok(expect));
        };
        check("select '&CITY', &n+&{n}0", "select 'Bern', 2+20");
        check("a && b & c", "a & b & c");
        check("&{}", "&{}");
        assert_eq!(variables.substitute("&z"), Err("Variable z is not defined".to_string()));
        assert!(variables.define("a-b", "").is_err());
    }
}
