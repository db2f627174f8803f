//! Secrets in the texts of statements, which nobody may read afterwards: not in the history, not in errors.

use std::borrow::Cow;
use std::ops::Range;

use super::literal;
use super::scan::{Kind, Lexeme, Scanner};

/// What stands in the place of a secret.
const HIDDEN: &str = "'☺☺☺☺☺'";
/// The names behind which a secret stands.
const NAMES: [&str; 10] = [
    "API_KEY",
    "AWS_KEY_ID",
    "AWS_SECRET_KEY",
    "AWS_TOKEN",
    "AZURE_SAS_TOKEN",
    "MASTER_KEY",
    "OAUTH_CLIENT_SECRET",
    "OAUTH_REFRESH_TOKEN",
    "PASSWORD",
    "SECRET_STRING",
];
/// A text without any of these has no secret: a quick look, for most texts.
const STEMS: [&[u8]; 4] = [b"PASSWORD", b"_KEY", b"TOKEN", b"SECRET"];
/// Faults of a text after which all of it is hidden that follows.
const FAULTS_MAX: usize = 8;

/// A statement's text with its secrets hidden, whether or not it is SQL: the values of PASSWORD, AWS_SECRET_KEY
/// and the like.
pub fn hide_secrets(text: &str) -> Cow<'_, str> {
    replaced(text, |_| HIDDEN.to_string())
}

/// As [`hide_secrets`], but so that every other character stays where it is.
pub fn blot_secrets(text: &str) -> Cow<'_, str> {
    let blotted = |c: char| if c.is_control() { c } else { '☺' };
    replaced(text, |secret| secret.chars().map(blotted).collect())
}

fn replaced(text: &str, replace: impl Fn(&str) -> String) -> Cow<'_, str> {
    let places = places(text);
    if places.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut hidden = String::with_capacity(text.len());
    let mut at = 0;
    for place in places {
        hidden.push_str(&text[at..place.start]);
        hidden.push_str(&replace(&text[place.clone()]));
        at = place.end;
    }
    hidden.push_str(&text[at..]);
    Cow::Owned(hidden)
}

/// A message about a statement, with that statement's secrets hidden.
pub fn hide_secrets_of(text: &str, message: String) -> String {
    let mut message = message;
    for place in places(text) {
        let secret = &text[place];
        message = message.replace(secret, HIDDEN);
        let bare = secret.trim_matches('\'');
        // A short one stands in words that have nothing to do with it.
        if bare.chars().count() > 5 {
            message = message.replace(bare, HIDDEN.trim_matches('\''));
        }
    }
    message
}

/// Where the secrets of a text stand, in order; quotes are parts of them.
fn places(text: &str) -> Vec<Range<usize>> {
    let mut places = Vec::new();
    if !may_have_secrets(text.as_bytes()) {
        return places;
    }
    let (mut scanner, mut faults) = (Scanner::new(text), 0);
    // Of a definition everything is hidden behind a name; elsewhere a name is that of a column, too.
    let mut defines = None;
    let mut behind_name = false;
    loop {
        let before = scanner.position();
        let lexeme = match scanner.next() {
            Ok(Some(lexeme)) => lexeme,
            Ok(None) => return places,
            Err(_) if behind_name || faults == FAULTS_MAX => {
                places.push(before..text.len());
                return places;
            }
            Err(_) => {
                faults += 1;
                // What is read on is what stands behind the one character that was wrong.
                let rest = text[before..].trim_start();
                let width = rest.chars().next().map_or(0, char::len_utf8);
                scanner = Scanner::from(text, text.len() - rest.len() + width);
                continue;
            }
        };
        let source = lexeme.of(text);
        let is_word = |word: &str| source.eq_ignore_ascii_case(word);
        let defines = *defines.get_or_insert_with(|| is_word("CREATE") || is_word("ALTER"));
        let is_name = lexeme.kind == Kind::Word && NAMES.iter().any(|name| is_word(name));
        match is_name {
            true => behind_name = true,
            false if behind_name && (source == "=" || source == "=>") => {}
            false => {
                if behind_name && is_value(lexeme, defines) {
                    places.push(lexeme.start..lexeme.end);
                } else if lexeme.kind == Kind::Raw {
                    // A statement in a statement.
                    let inner = lexeme.start + 2..lexeme.end.saturating_sub(2);
                    let inside = self::places(text.get(inner.clone()).unwrap_or_default());
                    let moved =
                        |place: Range<usize>| inner.start + place.start..inner.start + place.end;
                    places.extend(inside.into_iter().map(moved));
                } else if lexeme.kind == Kind::Text
                    && !self::places(&literal::unescape(source)).is_empty()
                {
                    // Another way to write one; where its secret stands in the literal is not looked for.
                    places.push(lexeme.start..lexeme.end);
                }
                behind_name = false;
            }
        }
    }
}

/// Whether a lexeme behind a secret's name is the secret.
fn is_value(lexeme: Lexeme, defines: bool) -> bool {
    match lexeme.kind {
        Kind::Text | Kind::Raw | Kind::Hex => true,
        Kind::Placeholder | Kind::Symbol => false,
        _ => defines,
    }
}

/// Whether one of the stems is in a text, in any case.
fn may_have_secrets(text: &[u8]) -> bool {
    let begins = |at: usize| {
        STEMS.iter().any(|stem| {
            text.get(at..at + stem.len()).is_some_and(|part| part.eq_ignore_ascii_case(stem))
        })
    };
    let first = |byte: &u8| matches!(byte | 0x20, b'p' | b't' | b's') || *byte == b'_';
    text.iter().enumerate().any(|(at, byte)| first(byte) && begins(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_wherever_they_stand() {
        let cases = [
            (
                "CREATE USER u PASSWORD = 'geheim' COMMENT = 'x'",
                "CREATE USER u PASSWORD = # COMMENT = 'x'",
            ),
            ("alter user u set password='it''s'", "alter user u set password=#"),
            ("ALTER USER u SET PASSWORD = hunter2", "ALTER USER u SET PASSWORD = #"),
            ("CREATE USER u PASSWORD 'geheim'", "CREATE USER u PASSWORD #"),
            ("CREATE USER u PASSWORD = 'geheim", "CREATE USER u PASSWORD =#"),
            (
                "CREATE USER u COMMENT = \"x PASSWORD = 'geheim'",
                "CREATE USER u COMMENT = \"x PASSWORD = #",
            ),
            ("CREATE USER u # PASSWORD = $$geheim$$", "CREATE USER u # PASSWORD = #"),
            (
                "COPY INTO t FROM 's3://b' CREDENTIALS = (AWS_KEY_ID = 'a' AWS_SECRET_KEY = 'b' AWS_TOKEN='c')",
                "COPY INTO t FROM 's3://b' CREDENTIALS = (AWS_KEY_ID = # AWS_SECRET_KEY = # AWS_TOKEN=#)",
            ),
            (
                "EXECUTE IMMEDIATE $$CREATE USER u PASSWORD = 'a'$$",
                "EXECUTE IMMEDIATE $$CREATE USER u PASSWORD = #$$",
            ),
            ("EXECUTE IMMEDIATE 'CREATE USER u PASSWORD = ''a'' '", "EXECUTE IMMEDIATE #"),
            ("SELECT 'the password is long'", "SELECT 'the password is long'"),
            ("SELECT password, name FROM t", "SELECT password, name FROM t"),
            ("SELECT 1", "SELECT 1"),
            ("UNSET PASSWORD", "UNSET PASSWORD"),
        ];
        for (text, expected) in cases {
            // The one `#` that is not the mask stands for itself.
            let expected = expected.replace("u #", "u \u{1}").replace('#', HIDDEN);
            assert_eq!(hide_secrets(text), expected.replace('\u{1}', "#"), "{text}");
        }
    }

    #[test]
    fn a_blot_moves_nothing() {
        assert_eq!(blot_secrets("SET PASSWORD = 'ab\n' x"), "SET PASSWORD = ☺☺☺\n☺ x");
    }

    #[test]
    fn messages_hide_them_too() {
        let text = "CREATE USER u PASSWORD 'geheim1'";
        let message = hide_secrets_of(text, "unexpected ''geheim1'' in geheim1.".to_string());
        assert_eq!(message, "unexpected ''☺☺☺☺☺'' in ☺☺☺☺☺.");
    }
}
