//! What the statements of a session reach by URLs: all that this machine does, or, for somebody who is elsewhere,
//! what the server was started with, what an integration allows, and what their own credentials open.

use firn_account::catalog::Integration;
use firn_loader::stage::{StageLocation, StoreAccess, check_endpoint, same_server};
use firn_types::{Error, ErrorCode, Result};

/// What the statements of a session reach by URLs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Reach {
    /// All that this machine does, with the credentials of its environment: whoever sends them is on it.
    #[default]
    Machine,
    /// Of this machine what is allowed: whoever sends them is elsewhere, and moves the files of PUT and GET itself.
    Elsewhere(Allowed),
}

/// What of a machine those reach who are elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowed {
    /// Folders, by `file://`.
    pub folders: Vec<String>,
    /// Places of stores, such as `s3://bucket/folder/`, with the credentials of the environment; `s3://` for all.
    /// And servers of stores in the machine's own network, such as `http://10.0.0.1:9000`, by ENDPOINT.
    pub stores: Vec<String>,
}

/// A place that a statement is to reach.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    /// Where it is.
    pub(crate) url: &'a str,
    /// The server that ENDPOINT names.
    pub(crate) endpoint: Option<&'a str>,
    /// Whether key and secret are given.
    pub(crate) has_credentials: bool,
    /// Its integration.
    pub(crate) integration: Option<&'a Integration>,
}

impl<'a> Place<'a> {
    /// What a statement names by its URL alone.
    pub(crate) fn of_url(url: &'a str) -> Place<'a> {
        Place { url, endpoint: None, has_credentials: false, integration: None }
    }
}

impl Reach {
    /// Whether clients move the files of PUT and GET themselves.
    pub(crate) fn is_elsewhere(&self) -> bool {
        *self != Reach::Machine
    }

    /// What of this machine is used to reach a place.
    ///
    /// # Errors
    /// `InsufficientPrivileges` for what is out of reach.
    pub(crate) fn access(&self, place: &Place<'_>) -> Result<StoreAccess> {
        let Reach::Elsewhere(allowed) = self else { return Ok(StoreAccess::Machine) };
        match StageLocation::parse(place.url) {
            Ok(StageLocation::Local { folder }) => allowed.folder(place.url, &folder),
            Ok(StageLocation::S3 { .. }) => allowed.store(place),
            // What is no URL of a stage is refused where it is opened.
            Err(_) => Ok(StoreAccess::Nothing),
        }
    }

    /// Looks whether an integration may be as somebody wants it, since its stages use the credentials of the
    /// environment.
    ///
    /// # Errors
    /// `InsufficientPrivileges` for locations that are out of reach.
    pub(crate) fn check_integration(&self, integration: &Integration) -> Result<()> {
        let Reach::Elsewhere(allowed) = self else { return Ok(()) };
        let locations = listed(integration, "STORAGE_ALLOWED_LOCATIONS");
        let wrong = locations.into_iter().find(|location| !allowed.has_store(location));
        match wrong.filter(|_| integration.enabled) {
            None => Ok(()),
            Some(wrong) => Err(out_of_reach(format!(
                "Integrations are made by who runs the server: '{wrong}' is no place that it was started with."
            ))),
        }
    }
}

impl Allowed {
    fn folder(&self, url: &str, folder: &str) -> Result<StoreAccess> {
        let mut folders = self.folders.iter();
        if !folder.split('/').any(|part| part == "..")
            && folders.any(|allowed| lies_in(url, &format!("file://{allowed}")))
        {
            return Ok(StoreAccess::Machine);
        }
        Err(out_of_reach(format!(
            "Files of the server's own machine are out of reach: '{url}' is not below a folder that the \
             server was started with."
        )))
    }

    fn store(&self, place: &Place<'_>) -> Result<StoreAccess> {
        let Place { url, endpoint, has_credentials, integration } = *place;
        let own_network =
            |endpoint| self.stores.iter().any(|allowed| same_server(allowed, endpoint));
        match endpoint {
            Some(endpoint) if has_credentials && own_network(endpoint) => Ok(StoreAccess::Network),
            Some(endpoint) if has_credentials => {
                check_endpoint(endpoint).map(|()| StoreAccess::Nothing)
            }
            Some(endpoint) => Err(out_of_reach(format!(
                "The server's own credentials are not for other servers: ENDPOINT '{endpoint}' needs \
                 CREDENTIALS with AWS_KEY_ID and AWS_SECRET_KEY."
            ))),
            None if has_credentials => Ok(StoreAccess::Nothing),
            None if self.has_store(url) => Ok(StoreAccess::Machine),
            None if integration.is_some_and(|integration| allows(integration, url)) => {
                Ok(StoreAccess::Machine)
            }
            None => Err(out_of_reach(format!(
                "The server's own credentials are out of reach: '{url}' needs CREDENTIALS with AWS_KEY_ID \
                 and AWS_SECRET_KEY, a storage integration that allows it, or a server that was started with it."
            ))),
        }
    }

    fn has_store(&self, url: &str) -> bool {
        self.stores.iter().any(|allowed| lies_in(url, allowed))
    }
}

/// Whether an integration allows a location.
pub(crate) fn allows(integration: &Integration, url: &str) -> bool {
    let lists = |property: &str| {
        let mut locations = listed(integration, property).into_iter();
        locations.any(|location| location == "*" || lies_in(url, location))
    };
    integration.enabled && lists("STORAGE_ALLOWED_LOCATIONS") && !lists("STORAGE_BLOCKED_LOCATIONS")
}

/// The locations of a property of an integration, which keeps a list as it was written.
fn listed<'a>(integration: &'a Integration, property: &str) -> Vec<&'a str> {
    let found = integration.properties.iter().find(|(name, _)| name == property);
    found.map_or("", |(_, value)| value.as_str()).split('\'').skip(1).step_by(2).collect()
}

/// Whether a URL is a location or below it. A location is a folder: what only begins alike is another one.
fn lies_in(url: &str, location: &str) -> bool {
    let plain = |text: &str| match StageLocation::parse(text) {
        Ok(StageLocation::S3 { bucket, prefix }) => format!("s3://{bucket}/{prefix}"),
        Ok(StageLocation::Local { folder }) => format!("file://{folder}"),
        Err(_) => text.to_string(),
    };
    let (url, location) = (plain(url), plain(location));
    let below = url.strip_prefix(location.trim_end_matches('/'));
    below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn out_of_reach(text: String) -> Error {
    Error::new(ErrorCode::InsufficientPrivileges, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn elsewhere() -> Reach {
        let texts = |texts: &[&str]| texts.iter().map(ToString::to_string).collect();
        Reach::Elsewhere(Allowed {
            folders: texts(&["/data/in/", "/x"]),
            stores: texts(&["s3://open/in/", "http://10.0.0.1:9000"]),
        })
    }

    #[test]
    fn only_what_is_below_an_allowed_folder_is_in_reach() {
        let access = |reach: &Reach, url| reach.access(&Place::of_url(url)).is_ok();
        for fine in ["file:///data/in", "file:///data/in/a/", "FILE:///x/y"] {
            assert!(access(&elsewhere(), fine), "{fine}");
        }
        for wrong in ["file:///", "file:///data/inner", "file:///data/in/../out", "file:///etc"] {
            assert!(!access(&elsewhere(), wrong), "{wrong}");
            assert!(access(&Reach::Machine, wrong));
        }
    }

    #[test]
    fn the_credentials_of_the_environment_are_for_allowed_places() {
        let of = |url| elsewhere().access(&Place::of_url(url)).ok();
        for url in ["s3://open/in", "s3://open/in/x.csv", "S3://open/in/x/"] {
            assert_eq!(of(url), Some(StoreAccess::Machine), "{url}");
        }
        for url in ["s3://open/", "s3://open/inner", "s3://opened/in/", "s3compat://other/"] {
            assert_eq!(of(url), None, "{url}");
            let own = Place { has_credentials: true, ..Place::of_url(url) };
            assert_eq!(elsewhere().access(&own).ok(), Some(StoreAccess::Nothing), "{url}");
        }
        let all = Allowed { stores: vec!["s3://".to_string()], ..Allowed::default() };
        assert!(all.has_store("s3://any/thing") && !Allowed::default().has_store("s3://any/"));
    }

    #[test]
    fn endpoints_are_public_or_allowed_and_get_no_credentials_of_the_environment() {
        let of = |endpoint, has_credentials| {
            let place = Place { endpoint: Some(endpoint), ..Place::of_url("s3://open/in/") };
            elsewhere().access(&Place { has_credentials, ..place }).ok()
        };
        assert_eq!(of("https://s3.example.com", true), Some(StoreAccess::Nothing));
        assert_eq!(of("http://10.0.0.1:9000/", true), Some(StoreAccess::Network));
        for (endpoint, own) in [
            ("http://10.0.0.1:9001", true),
            ("http://169.254.169.254", true),
            ("https://s3.example.com", false),
            ("http://10.0.0.1:9000", false),
        ] {
            assert_eq!(of(endpoint, own), None, "{endpoint}");
        }
    }
}
