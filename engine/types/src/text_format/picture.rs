//! Format pictures: the elements that a text such as `DD-MON-YYYY HH24:MI` is made of.

/// One element of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    /// `YYYY-MM-DD`, which is most frequent, as one.
    IsoDate,
    /// `HH24:MI:SS` as one.
    IsoTime,
    /// At least four digits.
    Year,
    /// As many digits as needed.
    YearShort,
    /// The last two digits.
    YearOfCentury,
    /// 1 to 12, in two digits or as short as possible.
    Month { padded: bool },
    /// `January`.
    MonthName,
    /// `Jan`.
    MonthAbbreviation,
    /// 1 to 31.
    Day { padded: bool },
    /// `Mon`.
    DayName,
    /// 0 to 23.
    Hour { padded: bool },
    /// 1 to 12.
    HalfDayHour { padded: bool },
    /// AM or PM.
    HalfDay,
    /// A or P.
    HalfDayLetter,
    /// 0 to 59.
    Minute { padded: bool },
    /// 0 to 59.
    Second { padded: bool },
    /// That many digits of the second's fraction.
    Fraction(u8),
    /// Hours and minutes of the offset; Z for none.
    Offset { colon: bool },
    /// The offset's sign and hours.
    OffsetHour,
    /// The offset's minutes.
    OffsetMinute,
    /// Anything else stands for itself.
    Literal(char),
}

use Element::{
    Day, DayName, Fraction, HalfDay, HalfDayHour, HalfDayLetter, Hour, IsoDate, IsoTime, Literal,
    Minute, Month, MonthAbbreviation, MonthName, Offset, OffsetHour, OffsetMinute, Second, Year,
    YearOfCentury, YearShort,
};

/// Names of elements; where several fit, the first one counts.
const NAMES: &[(&str, Element)] = &[
    ("YYYY-MM-DD", IsoDate),
    ("YYYY", Year),
    ("YY", YearOfCentury),
    ("Y", YearShort),
    ("UUUU", Year),
    ("MMMM", MonthName),
    ("MON", MonthAbbreviation),
    ("MM", Month { padded: true }),
    ("MO", Month { padded: false }),
    ("MI", Minute { padded: true }),
    ("ME", Minute { padded: false }),
    ("DD", Day { padded: true }),
    ("DY", DayName),
    ("D", Day { padded: false }),
    ("HH24:MI:SS", IsoTime),
    ("HH24", Hour { padded: true }),
    ("HH12", HalfDayHour { padded: true }),
    ("HH", Hour { padded: true }),
    ("H24", Hour { padded: false }),
    ("H12", HalfDayHour { padded: false }),
    ("H", Hour { padded: false }),
    ("AM", HalfDay),
    ("PM", HalfDay),
    ("P", HalfDayLetter),
    ("SS", Second { padded: true }),
    ("S", Second { padded: false }),
    ("FF0", Fraction(0)),
    ("FF1", Fraction(1)),
    ("FF2", Fraction(2)),
    ("FF3", Fraction(3)),
    ("FF4", Fraction(4)),
    ("FF5", Fraction(5)),
    ("FF6", Fraction(6)),
    ("FF7", Fraction(7)),
    ("FF8", Fraction(8)),
    ("FF9", Fraction(9)),
    ("FF", Fraction(9)),
    ("TZH:TZM", Offset { colon: true }),
    ("TZHTZM", Offset { colon: false }),
    ("TZH", OffsetHour),
    ("TZM", OffsetMinute),
];

/// A compiled format of dates and times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    text: String,
    pub(super) elements: Vec<Element>,
    /// Whether an hour of 24 stands beside AM or PM, which no text can satisfy.
    pub(super) contradictory: bool,
}

impl Picture {
    /// Compiles a format. Elements are found in any case; other characters, and text in double quotes,
    /// stand for themselves. So does a letter inside of a word, as both ends of `hours`, though alone it
    /// would be an element.
    pub fn compile(text: &str) -> Picture {
        let mut elements = Vec::new();
        let mut explicit_24 = false;
        let mut rest = text;
        let mut in_word = false;
        while let Some(first) = rest.chars().next() {
            if first == '"' {
                let inner = &rest[1..];
                let end = inner.find('"').unwrap_or(inner.len());
                elements.extend(inner[..end].chars().map(Literal));
                rest = inner.get(end + 1..).unwrap_or_default();
                in_word = false;
                continue;
            }
            let stands_alone = !in_word && !starts_word(&rest[first.len_utf8()..]);
            let found = element_at(rest).filter(|(name, _)| name.len() > 1 || stands_alone);
            in_word = found.is_none() && first.is_alphabetic();
            let (length, element) = match found {
                Some((name, element)) => (name.len(), *element),
                None => (first.len_utf8(), Literal(first)),
            };
            explicit_24 |= found.is_some_and(|(name, _)| name.contains("24"));
            elements.push(element);
            rest = &rest[length..];
        }
        let half_day = elements.iter().any(|e| matches!(e, HalfDay | HalfDayLetter));
        if half_day && !explicit_24 {
            elements.iter_mut().for_each(|element| {
                if let Hour { padded } = *element {
                    *element = HalfDayHour { padded };
                }
            });
        }
        let contradictory = half_day && explicit_24;
        Picture { text: text.to_string(), elements, contradictory }
    }

    /// The format as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// The element at the start of the text.
fn element_at(text: &str) -> Option<&'static (&'static str, Element)> {
    NAMES.iter().find(|(name, _)| starts_with(text, name))
}

/// Whether the text goes on with a letter that belongs to no element.
fn starts_word(text: &str) -> bool {
    text.starts_with(char::is_alphabetic) && element_at(text).is_none()
}

fn starts_with(text: &str, name: &str) -> bool {
    text.as_bytes()
        .get(..name.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(name.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_found_longest_first_in_any_case() {
        let elements = |text| Picture::compile(text).elements;
        assert_eq!(
            elements("yyyymm\"at mm\"Tmi"),
            [
                vec![Year, Month { padded: true }],
                "at mmT".chars().map(Literal).collect(),
                vec![Minute { padded: true }],
            ]
            .concat()
        );
        assert_eq!(
            elements("hh:mm am")[0..3],
            [HalfDayHour { padded: true }, Literal(':'), Month { padded: true }]
        );
        assert!(Picture::compile("HH24 PM").contradictory);
        let literals = |text: &str| text.chars().map(Literal).collect::<Vec<_>>();
        assert_eq!(elements("hours"), literals("hours"));
        assert_eq!(elements("Day"), literals("Day"));
        assert_eq!(elements("H:s")[0], Hour { padded: false });
        assert_eq!(elements("H:s")[2], Second { padded: false });
        assert_eq!(elements("\"open"), "open".chars().map(Literal).collect::<Vec<_>>());
    }
}
