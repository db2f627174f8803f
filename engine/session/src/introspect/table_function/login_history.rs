//! LOGIN_HISTORY and its kin: who has logged in, and who has tried.

use firn_account::catalog::ACCOUNTADMIN;
use firn_types::{Error, ErrorCode, Result};

use super::super::Described;
use super::super::listing::{Listing, number, optional, text, time};
use super::Arguments;
use crate::login::LoginEvent;

pub(super) const COLUMNS: &str = "EVENT_TIMESTAMP:time, EVENT_ID:number, EVENT_TYPE, USER_NAME, CLIENT_IP, \
     REPORTED_CLIENT_TYPE, REPORTED_CLIENT_VERSION, FIRST_AUTHENTICATION_FACTOR, \
     SECOND_AUTHENTICATION_FACTOR, IS_SUCCESS, ERROR_CODE:number, ERROR_MESSAGE, RELATED_EVENT_ID:number, \
     CONNECTION";

pub(super) const PARAMETERS: &[&str] = &["TIME_RANGE_START", "TIME_RANGE_END", "RESULT_LIMIT"];

pub(super) const BY_USER: &[&str] =
    &["USER_NAME", "TIME_RANGE_START", "TIME_RANGE_END", "RESULT_LIMIT"];

/// Rows unless RESULT_LIMIT says otherwise.
const LIMIT_DEFAULT: i128 = 100;
/// What RESULT_LIMIT may be.
const LIMITS: std::ops::RangeInclusive<i128> = 1..=10_000;

pub(super) fn of_all(
    described: &Described,
    arguments: &Arguments,
    listing: &mut Listing,
) -> Result<()> {
    list(described, arguments, listing, None)
}

pub(super) fn of_user(
    described: &Described,
    arguments: &Arguments,
    listing: &mut Listing,
) -> Result<()> {
    let user = match arguments.text("USER_NAME")? {
        Some(name) => {
            firn_parse::parse_object_name(name).map_err(Error::without_span)?.object().name.clone()
        }
        None => described.user.clone(),
    };
    list(described, arguments, listing, Some(&user))
}

fn list(
    described: &Described,
    arguments: &Arguments,
    listing: &mut Listing,
    user: Option<&str>,
) -> Result<()> {
    let limit = arguments.number("RESULT_LIMIT")?.unwrap_or(LIMIT_DEFAULT);
    if !LIMITS.contains(&limit) {
        let text = format!("invalid value [{limit}] for parameter 'RESULT_LIMIT'");
        return Err(Error::new(ErrorCode::InvalidParameterValue, text));
    }
    let start = arguments.time("TIME_RANGE_START")?;
    let end = arguments.time("TIME_RANGE_END")?;
    let in_range = |event: &&LoginEvent| {
        let at = i128::from(event.nanos);
        start.is_none_or(|start| at >= start) && end.is_none_or(|end| at <= end)
    };
    let events = described.shared.logins.newest_first();
    let wanted = events
        .iter()
        .filter(|event| user.is_none_or(|user| event.user == user))
        .filter(|event| may_see(described, event))
        .filter(in_range);
    for event in wanted.take(usize::try_from(limit).unwrap_or(usize::MAX)) {
        add(event, listing);
    }
    Ok(())
}

/// Logins are seen by who they are of, by ACCOUNTADMIN, and by roles with MONITOR on the account.
fn may_see(described: &Described, event: &LoginEvent) -> bool {
    let catalog = &described.catalog;
    event.user == described.user
        || catalog.rights().includes(ACCOUNTADMIN)
        || catalog.holds_on_account("MONITOR")
}

fn add(event: &LoginEvent, listing: &mut Listing) {
    let error = event.error.as_ref();
    let mut cells = vec![
        ("EVENT_TIMESTAMP", time(event.nanos)),
        ("EVENT_ID", number(event.id)),
        ("EVENT_TYPE", text("LOGIN")),
        ("USER_NAME", text(event.user.as_str())),
        ("CLIENT_IP", text(event.from.as_str())),
        ("REPORTED_CLIENT_TYPE", text(event.client.application.as_str())),
        ("REPORTED_CLIENT_VERSION", text(event.client.version.as_str())),
        ("FIRST_AUTHENTICATION_FACTOR", text(event.factor)),
        ("IS_SUCCESS", text(if error.is_none() { "YES" } else { "NO" })),
        ("ERROR_MESSAGE", optional(error.map(|(_, reason)| *reason))),
        ("RELATED_EVENT_ID", number(0)),
    ];
    cells.extend(error.map(|(code, _)| ("ERROR_CODE", number(i64::from(*code)))));
    listing.add(&cells);
}
