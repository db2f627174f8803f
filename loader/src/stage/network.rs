//! Connections that whoever is elsewhere may have this machine make: to addresses that all of the world reaches.
//!
//! A server of stores that a statement names could be one of this machine, of its network, or its cloud's
//! service of credentials. Names are judged by the addresses that they resolve to, when they are resolved, and
//! no answer leads elsewhere.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use firn_types::{Error, ErrorCode, Result};
use object_store::ClientOptions;
use object_store::client::{HttpClient, HttpConnector};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Url, redirect};

use super::location::with_scheme;

/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a request may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Makes clients of public addresses alone.
#[derive(Clone, Copy, Debug)]
pub(super) struct PublicNetwork;

impl HttpConnector for PublicNetwork {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        let client = reqwest::Client::builder()
            .dns_resolver(PublicNetwork)
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REQUEST_TIMEOUT)
            .build();
        let client = client.map_err(|error| object_store::Error::Generic {
            store: "S3",
            source: Box::new(error),
        })?;
        Ok(HttpClient::new(client))
    }
}

impl Resolve for PublicNetwork {
    fn resolve(&self, name: Name) -> Resolving {
        let host = name.as_str().to_owned();
        Box::pin(async move {
            let found = tokio::net::lookup_host((host.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = found.filter(|found| is_public(found.ip())).collect();
            if public.is_empty() {
                let text = format!("{host} has no public address");
                return Err(io::Error::new(io::ErrorKind::PermissionDenied, text).into());
            }
            let addresses: Addrs = Box::new(public.into_iter());
            Ok(addresses)
        })
    }
}

/// Looks whether an ENDPOINT could be a public address, as far as its text shows.
///
/// # Errors
/// `InsufficientPrivileges` for addresses that are not public, `InvalidUrl` for what is no URL of HTTP.
pub fn check_endpoint(endpoint: &str) -> Result<()> {
    let parsed = Url::parse(&with_scheme(endpoint)).ok();
    let parsed = parsed.filter(|url| matches!(url.scheme(), "http" | "https"));
    let Some(host) = parsed.as_ref().and_then(Url::host_str) else {
        let text = format!("'{endpoint}' is no URL of a server of stores");
        return Err(Error::new(ErrorCode::InvalidUrl, text));
    };
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    let name = host.trim_end_matches('.').to_ascii_lowercase();
    let own = name == "localhost" || name.ends_with(".localhost");
    if !own && address.map_or(true, is_public) {
        return Ok(());
    }
    let text = format!(
        "Addresses of the server's own network are out of reach: ENDPOINT '{endpoint}' is none that the server \
         was started with."
    );
    Err(Error::new(ErrorCode::InsufficientPrivileges, text))
}

/// Whether two URLs name one server.
pub fn same_server(a: &str, b: &str) -> bool {
    let origin = |text: &str| Url::parse(&with_scheme(text)).ok().map(|url| url.origin());
    matches!((origin(a), origin(b)), (Some(a), Some(b)) if a.is_tuple() && a == b)
}

/// Whether all of the world reaches an address.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let special = match address.octets() {
        // This network; shared by providers; of protocols; benchmarks; reserved.
        [0, ..] | [240..=255, ..] | [192, 0, 0, _] | [198, 18 | 19, ..] => true,
        [100, second, ..] => second & 0xc0 == 64,
        // A service of one cloud's machines.
        [168, 63, 129, 16] => true,
        _ => false,
    };
    let own = address.is_loopback() || address.is_private() || address.is_link_local();
    !special && !own && !address.is_multicast()
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    let v4 = |high: u16, low: u16| {
        let bits = u32::from(high) << 16 | u32::from(low);
        is_public_v4(Ipv4Addr::from_bits(bits))
    };
    match segments {
        // Addresses of version 4 in their several forms.
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] => v4(high, low),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => v4(high, low),
        [0x2002, high, low, ..] => v4(high, low),
        // What is given out to networks of the world.
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_are_reached() {
        for own in [
            "http://169.254.169.254/latest",
            "http://169.254.169.254.",
            "127.0.0.1:9000",
            "http://0x7f.1",
            "http://2130706433/",
            "https://10.1.2.3",
            "https://192.168.0.1:1",
            "http://172.16.0.1",
            "http://0.0.0.0",
            "http://localhost:80",
            "http://a.LOCALHOST.",
            "http://[::1]",
            "http://[::ffff:169.254.169.254]",
            "http://[fe80::1]",
            "http://[fd00:ec2::254]",
            "http://[64:ff9b::a9fe:a9fe]",
            "http://user@127.0.0.1",
            "100.100.100.200",
        ] {
            let code = check_endpoint(own).err().map(|error| error.code());
            assert_eq!(code, Some(ErrorCode::InsufficientPrivileges), "{own}");
        }
        for public in ["s3.example.com", "http://8.8.8.8", "https://[2606:4700::1]:8443"] {
            assert!(check_endpoint(public).is_ok(), "{public}");
        }
        for wrong in ["file:///etc", "", "http://"] {
            assert!(check_endpoint(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_name_of_an_own_address_is_not_resolved() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let name: Name = "localhost".parse().expect("a name");
        let found = runtime.expect("a runtime").block_on(PublicNetwork.resolve(name));
        assert!(found.is_err());
    }
}
