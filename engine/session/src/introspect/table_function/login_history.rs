//! LOGIN_HISTORY and its kin: who has logged in, and who has tried.

use firn_account::catalog::ACCOUNTADMIN;
use firn_storage::format::v1::LoginRecord;
use firn_types::{Error, Result};

use super::super::IntrospectionContext;
use super::super::listing::{Cell, Listing, number, optional, text, time};
use super::{Arguments, history_start};

pub(super) const COLUMNS: &str = "EVENT_TIMESTAMP:time, EVENT_ID:number, EVENT_TYPE, USER_NAME, CLIENT_IP, \
     REPORTED_CLIENT_TYPE, REPORTED_CLIENT_VERSION, FIRST_AUTHENTICATION_FACTOR, \
     SECOND_AUTHENTICATION_FACTOR, IS_SUCCESS, ERROR_CODE:number, ERROR_MESSAGE, RELATED_EVENT_ID:number, \
     CONNECTION";

pub(super) const PARAMETERS: &[&str] = &["TIME_RANGE_START", "TIME_RANGE_END", "RESULT_LIMIT"];

pub(super) const BY_USER: &[&str] =
    &["USER_NAME", "TIME_RANGE_START", "TIME_RANGE_END", "RESULT_LIMIT"];

pub(super) fn of_all(
    context: &IntrospectionContext,
    arguments: &Arguments,
    listing: &mut Listing,
) -> Result<()> {
    list(context, arguments, listing, None)
}

pub(super) fn of_user(
    context: &IntrospectionContext,
    arguments: &Arguments,
    listing: &mut Listing,
) -> Result<()> {
    let user = match arguments.text("USER_NAME")? {
        Some(name) => {
            firn_parse::parse_object_name(name).map_err(Error::without_span)?.object().name.clone()
        }
        None => context.user.clone(),
    };
    list(context, arguments, listing, Some(&user))
}

fn list(
    context: &IntrospectionContext,
    arguments: &Arguments,
    listing: &mut Listing,
    user: Option<&str>,
) -> Result<()> {
    let limit = arguments.limit()?;
    let in_range = arguments.range("TIME_RANGE_START", "TIME_RANGE_END")?;
    let since_nanos = history_start(context);
    let wants = |event: &LoginRecord| {
        user.is_none_or(|user| event.user == user)
            && may_see(context, event)
            && in_range(event.nanos)
    };
    for event in logins(context, since_nanos, limit, wants)? {
        listing.add(&cells(&event));
    }
    Ok(())
}

/// The newest logins since a time: of this process, and those that others have written.
pub(in crate::introspect) fn logins(
    context: &IntrospectionContext,
    since_nanos: i64,
    limit: usize,
    wants: impl Fn(&LoginRecord) -> bool,
) -> Result<Vec<LoginRecord>> {
    let mut events = context.shared.logins.newest_first();
    events.retain(|event| event.nanos >= since_nanos && wants(event));
    events.extend(context.shared.archive.logins(since_nanos, limit, wants)?);
    events.sort_by_key(|event| std::cmp::Reverse((event.nanos, event.id)));
    events.dedup();
    events.truncate(limit);
    Ok(events)
}

/// Logins are seen by who they are of, by ACCOUNTADMIN, and by roles with MONITOR on the account.
fn may_see(context: &IntrospectionContext, event: &LoginRecord) -> bool {
    let catalog = &context.catalog;
    event.user == context.user
        || catalog.rights().includes(ACCOUNTADMIN)
        || catalog.holds_on_account("MONITOR")
}

/// The cells of a login.
pub(in crate::introspect) fn cells(event: &LoginRecord) -> Vec<Cell<'static>> {
    let error = event.error.as_ref();
    let mut cells = vec![
        ("EVENT_TIMESTAMP", time(event.nanos)),
        ("EVENT_ID", number(event.id)),
        ("EVENT_TYPE", text("LOGIN")),
        ("USER_NAME", text(event.user.as_str())),
        ("CLIENT_IP", text(event.from.as_str())),
        ("REPORTED_CLIENT_TYPE", text(event.client[0].as_str())),
        ("REPORTED_CLIENT_VERSION", text(event.client[1].as_str())),
        ("FIRST_AUTHENTICATION_FACTOR", text(event.factor.as_str())),
        ("IS_SUCCESS", text(if error.is_none() { "YES" } else { "NO" })),
        ("ERROR_MESSAGE", optional(error.map(|(_, reason)| reason.as_str()))),
        ("RELATED_EVENT_ID", number(0)),
    ];
    cells.extend(error.map(|(code, _)| ("ERROR_CODE", number(i64::from(*code)))));
    cells
}
