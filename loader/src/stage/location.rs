//! URLs of external stages. The only place of the loader that reads the environment.

use std::sync::Arc;

use firn_types::{Error, ErrorCode, Result};
use object_store::aws::AmazonS3Builder;

use super::{LocalStage, ObjectStage, SharedStage};

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

/// What a statement says about reaching a store; what it leaves out comes from the environment
/// (`AWS_ACCESS_KEY_ID`, `AWS_ENDPOINT_URL`, `AWS_REGION`, `AWS_ALLOW_HTTP` ...).
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
/// A URL that no stage can have, or settings of a store that contradict each other.
pub fn open_url(url: &str, credentials: &StageCredentials) -> Result<SharedStage> {
    match StageLocation::parse(url)? {
        StageLocation::Local { folder } => Ok(Arc::new(LocalStage::new(folder))),
        StageLocation::S3 { bucket, prefix } => {
            let store = s3_builder(&bucket, credentials).build().map_err(|error| {
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

fn s3_builder(bucket: &str, credentials: &StageCredentials) -> AmazonS3Builder {
    let mut builder = AmazonS3Builder::from_env().with_bucket_name(bucket);
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
        let has_scheme = endpoint.contains("://");
        let url = if has_scheme { endpoint.clone() } else { format!("https://{endpoint}") };
        builder = builder.with_allow_http(url.starts_with("http://")).with_endpoint(url);
    }
    if credentials.key_id.is_none() && !environment_has_credentials() {
        // A public bucket; asking a metadata service that is not there would take long to fail.
        builder = builder.with_skip_signature(true);
    }
    builder
}

fn environment_has_credentials() -> bool {
    const NAMES: [&str; 5] = [
        "AWS_ACCESS_KEY_ID",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_METADATA_ENDPOINT",
    ];
    NAMES.iter().any(|name| std::env::var_os(name).is_some())
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
}
