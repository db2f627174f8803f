//! URLs of external stages. The only place of the loader that reads the environment.

use std::sync::Arc;

use firn_types::{Error, ErrorCode, Result};
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};

use super::network::{PublicNetwork, check_endpoint};
use super::{LocalStage, ObjectStage, SharedStage};

/// Variables of the environment that say where credentials come from.
const CREDENTIALS: [&str; 5] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_METADATA_ENDPOINT",
];
/// Variables of the environment that say where stores are, and not with which credentials.
const PLACES: [&str; 7] = [
    "AWS_ALLOW_HTTP",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
    "AWS_REGION",
    "AWS_VIRTUAL_HOSTED_STYLE_REQUEST",
];
/// Those that name another server than Amazon's.
const ENDPOINTS: [&str; 3] = ["AWS_ENDPOINT", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"];

/// Where an external stage is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StageLocation {
    /// A folder of this machine.
    Local {
        /// The folder's absolute path.
        folder: String,
    },
    /// A folder of an S3 bucket.
    S3 {
        /// The bucket.
        bucket: String,
        /// The folder in it, without slashes around it.
        prefix: String,
    },
}

/// What of this machine is used to reach a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreAccess {
    /// All of it: what a statement leaves out comes from the environment (`AWS_ACCESS_KEY_ID`,
    /// `AWS_ENDPOINT_URL`, `AWS_REGION`, `AWS_ALLOW_HTTP` ...), and any address may be reached.
    Machine,
    /// Its network: none of the environment's credentials.
    Network,
    /// Nothing: none of the environment's credentials, and of addresses only those that all of the world
    /// reaches, but for the server of stores that the environment names.
    Nothing,
}

/// What a statement says about reaching a store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StageCredentials {
    /// AWS_KEY_ID.
    pub key_id: Option<String>,
    /// AWS_SECRET_KEY.
    pub secret_key: Option<String>,
    /// AWS_TOKEN.
    pub token: Option<String>,
    /// The region of the bucket.
    pub region: Option<String>,
    /// ENDPOINT: host or URL of an S3-compatible server.
    pub endpoint: Option<String>,
}

impl StageLocation {
    /// The place of a URL.
    ///
    /// # Errors
    /// A URL that no stage can have, and kinds of stores that firn does not reach.
    pub fn parse(url: &str) -> Result<StageLocation> {
        let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
        match scheme.to_ascii_lowercase().as_str() {
            "file" if rest.starts_with('/') => Ok(StageLocation::Local { folder: rest.to_owned() }),
            "s3" | "s3compat" if !rest.is_empty() && !rest.starts_with('/') => {
                let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
                let prefix = prefix.trim_matches('/').to_owned();
                Ok(StageLocation::S3 { bucket: bucket.to_owned(), prefix })
            }
            "gcs" | "azure" | "s3gov" => {
                Err(Error::not_supported(format!("stage on {}://", scheme.to_ascii_lowercase())))
            }
            _ => {
                let detail = format!("invalid URL prefix found in: '{url}'");
                Err(Error::new(ErrorCode::InvalidUrl, detail))
            }
        }
    }
}

/// The stage at a URL.
///
/// # Errors
/// A URL that no stage can have, settings of a store that contradict each other, and an ENDPOINT that
/// `access` does not reach.
pub fn open_url(
    url: &str,
    credentials: &StageCredentials,
    access: StoreAccess,
) -> Result<SharedStage> {
    match StageLocation::parse(url)? {
        StageLocation::Local { folder } => Ok(Arc::new(LocalStage::new(folder))),
        StageLocation::S3 { bucket, prefix } => {
            let builder = s3_builder(&bucket, credentials, access)?;
            let store = builder.build().map_err(|error| {
                let detail = format!("Failure using stage area. Cause: [{error}]");
                Error::new(ErrorCode::StageFailure, detail)
            })?;
            let mut shown = format!("s3://{bucket}/{prefix}");
            if !shown.ends_with('/') {
                shown.push('/');
            }
            Ok(Arc::new(ObjectStage::new(Arc::new(store), prefix, shown)))
        }
    }
}

fn s3_builder(
    bucket: &str,
    credentials: &StageCredentials,
    access: StoreAccess,
) -> Result<AmazonS3Builder> {
    // Both become parts of host names.
    let plain = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
    let region = credentials.region.as_deref().unwrap_or_default();
    if let Some(wrong) = [bucket, region].into_iter().find(|text| !plain(text)) {
        let text = format!("'{wrong}' is no name of a bucket or region");
        return Err(Error::new(ErrorCode::InvalidParameterValue, text));
    }
    let builder = match access {
        StoreAccess::Machine => AmazonS3Builder::from_env(),
        StoreAccess::Network | StoreAccess::Nothing => places_of_environment(),
    };
    let mut builder = builder.with_bucket_name(bucket);
    if let Some(key_id) = &credentials.key_id {
        builder = builder.with_access_key_id(key_id);
    }
    if let Some(secret_key) = &credentials.secret_key {
        builder = builder.with_secret_access_key(secret_key);
    }
    if let Some(token) = &credentials.token {
        builder = builder.with_token(token);
    }
    if let Some(region) = &credentials.region {
        builder = builder.with_region(region);
    }
    if let Some(endpoint) = &credentials.endpoint {
        let url = with_scheme(endpoint);
        builder = builder.with_allow_http(url.starts_with("http://")).with_endpoint(url);
    }
    let names_endpoint = credentials.endpoint.is_some();
    if access == StoreAccess::Nothing && (names_endpoint || !environment_has(&ENDPOINTS)) {
        credentials.endpoint.as_deref().map_or(Ok(()), check_endpoint)?;
        builder = builder.with_http_connector(PublicNetwork);
    }
    let given = credentials.key_id.is_some();
    if !given && (access != StoreAccess::Machine || !environment_has(&CREDENTIALS)) {
        // A public bucket; asking a metadata service that is not there would take long to fail.
        builder = builder.with_skip_signature(true);
    }
    Ok(builder)
}

/// The URL of a server of stores, of which the scheme may be left out.
pub(super) fn with_scheme(endpoint: &str) -> String {
    match endpoint.contains("://") {
        true => endpoint.to_owned(),
        false => format!("https://{endpoint}"),
    }
}

/// What the environment says about where stores are.
fn places_of_environment() -> AmazonS3Builder {
    let told = PLACES.iter().filter_map(|name| {
        let key: AmazonS3ConfigKey = name.to_ascii_lowercase().parse().ok()?;
        Some((key, std::env::var(name).ok()?))
    });
    told.fold(AmazonS3Builder::new(), |builder, (key, value)| builder.with_config(key, value))
}

fn environment_has(names: &[&str]) -> bool {
    names.iter().any(|name| std::env::var_os(name).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_name_a_folder_or_a_bucket() {
        let s3 = StageLocation::S3 { bucket: "b".to_owned(), prefix: "x/y".to_owned() };
        assert_eq!(StageLocation::parse("s3://b/x/y/").ok(), Some(s3));
        let local = StageLocation::Local { folder: "/tmp/d".to_owned() };
        assert_eq!(StageLocation::parse("file:///tmp/d").ok(), Some(local));
        for (url, code) in [
            ("http://x", ErrorCode::InvalidUrl),
            ("x", ErrorCode::InvalidUrl),
            ("gcs://b", ErrorCode::UnsupportedFeature),
        ] {
            assert_eq!(StageLocation::parse(url).err().map(|e| e.code()), Some(code), "{url}");
        }
    }

    #[test]
    fn no_bucket_or_region_names_another_host() {
        let own = |region: &str| StageCredentials {
            key_id: Some("k".to_owned()),
            secret_key: Some("s".to_owned()),
            region: Some(region.to_owned()),
            ..StageCredentials::default()
        };
        let open = |url, region| open_url(url, &own(region), StoreAccess::Nothing).map(|_| ());
        for (url, region) in [("s3://10.0.0.1#/x", "r"), ("s3://b/x", "x@10.0.0.1/")] {
            let code = open(url, region).err().map(|error| error.code());
            assert_eq!(code, Some(ErrorCode::InvalidParameterValue), "{url} {region}");
        }
    }
}
