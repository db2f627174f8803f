//! A bucket on the loopback: as much of S3's protocol as the engine uses, in the process of the test. A
//! thread per connection; objects in memory; signatures are not looked at.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::ops::{Bound, Range};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, SecondsFormat, Utc};
use object_store::ObjectStore;
use object_store::aws::AmazonS3Builder;

/// Keys of one page of a listing: so few that listings have several.
const PAGE_KEYS: usize = 20;

/// A running server. Its threads end with the process.
#[derive(Clone, Debug)]
pub struct S3Server {
    endpoint: String,
    signers: Signers,
}

/// The ids of the keys that requests were signed with.
type Signers = Arc<Mutex<BTreeSet<String>>>;

#[derive(Default)]
struct Bucket {
    objects: BTreeMap<String, Object>,
    /// Parts of uploads that are not complete, by upload and number.
    parts: HashMap<String, BTreeMap<usize, Vec<u8>>>,
    /// For etags and the names of uploads.
    count: usize,
}

#[derive(Clone)]
struct Object {
    bytes: Arc<Vec<u8>>,
    etag: String,
    modified: DateTime<Utc>,
}

struct Request {
    method: String,
    /// The key, without the bucket.
    key: String,
    query: HashMap<String, String>,
    headers: HashMap<String, String>,
    body: Vec<u8>,
}

#[derive(Default)]
struct Response {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl S3Server {
    /// Starts a server with one empty bucket, which answers to every name.
    ///
    /// # Errors
    /// When no port can be had.
    pub fn start() -> io::Result<S3Server> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        let bucket: Arc<Mutex<Bucket>> = Arc::default();
        let signers = Signers::default();
        let signed = Arc::clone(&signers);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (bucket, signed) = (Arc::clone(&bucket), Arc::clone(&signed));
                // A client that hangs up ends its thread.
                std::thread::spawn(move || serve(&stream, &bucket, &signed));
            }
        });
        Ok(S3Server { endpoint, signers })
    }

    /// The server's URL.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The ids of the keys that requests were signed with so far, in order; empty for those that were not signed.
    pub fn signers(&self) -> Vec<String> {
        self.signers.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// A client of the bucket.
    ///
    /// # Errors
    /// None that a test could meet.
    pub fn store(&self) -> object_store::Result<Arc<dyn ObjectStore>> {
        S3Server::client(&self.endpoint)
    }

    /// A client of the bucket of a server, which may be another process's.
    ///
    /// # Errors
    /// None that a test could meet.
    pub fn client(endpoint: &str) -> object_store::Result<Arc<dyn ObjectStore>> {
        firn_engine::install_provider();
        let store = AmazonS3Builder::new()
            .with_bucket_name("bucket")
            .with_region("us-east-1")
            .with_access_key_id("key")
            .with_secret_access_key("secret")
            .with_allow_http(true)
            .with_endpoint(endpoint)
            .build()?;
        Ok(Arc::new(store))
    }
}

fn serve(stream: &TcpStream, bucket: &Mutex<Bucket>, signers: &Signers) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    let mut writer = stream;
    while let Some(request) = read_request(&mut reader)? {
        let signed = request.headers.get("authorization").and_then(|text| {
            text.split_once("Credential=")?.1.split_once('/').map(|(key, _)| key.to_string())
        });
        signers.lock().unwrap_or_else(PoisonError::into_inner).insert(signed.unwrap_or_default());
        let answer = bucket.lock().unwrap_or_else(PoisonError::into_inner).answer(&request);
        let mut head = format!("HTTP/1.1 {} -\r\n", answer.status);
        let length = match request.method.as_str() {
            "HEAD" => None,
            _ => Some(("Content-Length", answer.body.len().to_string())),
        };
        for (name, value) in answer.headers.iter().chain(&length) {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        let mut bytes = (head + "\r\n").into_bytes();
        bytes.extend(answer.body);
        writer.write_all(&bytes)?;
    }
    Ok(())
}

fn read_request(reader: &mut impl BufRead) -> io::Result<Option<Request>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace();
    let (method, target) = (words.next().unwrap_or(""), words.next().unwrap_or("/"));
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let key = path.trim_start_matches('/').split_once('/').map_or("", |(_, key)| key);
    let query = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let (method, key) = (method.to_string(), decoded(key));
    let query = query.map(|(name, value)| (decoded(name), decoded(value))).collect();
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_lowercase(), value.trim().to_string());
    }
    let length = headers.get("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Some(Request { method, key, query, headers, body }))
}

impl Bucket {
    fn answer(&mut self, request: &Request) -> Response {
        let has = |name: &str| request.query.contains_key(name);
        match request.method.as_str() {
            "GET" if request.key.is_empty() => self.list(request),
            "GET" | "HEAD" => self.get(request),
            "PUT" if has("partNumber") => self.put_part(request),
            "PUT" => self.put(request),
            "POST" if has("uploads") => self.begin_upload(),
            "POST" if has("uploadId") => self.end_upload(request),
            "POST" if has("delete") => self.delete_many(request),
            "DELETE" => {
                self.objects.remove(&request.key);
                Response { status: 204, ..Response::default() }
            }
            _ => Response { status: 501, ..Response::default() },
        }
    }

    fn get(&self, request: &Request) -> Response {
        let Some(object) = self.objects.get(&request.key) else {
            return Response { status: 404, ..Response::default() };
        };
        let size = object.bytes.len();
        let mut headers = vec![
            ("ETag", object.etag.clone()),
            ("Last-Modified", object.modified.format("%a, %d %b %Y %H:%M:%S GMT").to_string()),
            ("Accept-Ranges", "bytes".to_string()),
        ];
        if request.method == "HEAD" {
            headers.push(("Content-Length", size.to_string()));
            return Response { status: 200, headers, body: Vec::new() };
        }
        let Some(range) = request.headers.get("range") else {
            return Response { status: 200, headers, body: object.bytes.to_vec() };
        };
        match range_of(range, size) {
            Some(range) if !range.is_empty() => {
                let shown = format!("bytes {}-{}/{size}", range.start, range.end - 1);
                headers.push(("Content-Range", shown));
                Response { status: 206, headers, body: object.bytes[range].to_vec() }
            }
            _ => Response { status: 416, ..Response::default() },
        }
    }

    fn put(&mut self, request: &Request) -> Response {
        let only_new = request.headers.get("if-none-match").is_some_and(|value| value == "*");
        if only_new && self.objects.contains_key(&request.key) {
            return Response { status: 412, ..Response::default() };
        }
        self.store(&request.key, request.body.clone())
    }

    fn store(&mut self, key: &str, bytes: Vec<u8>) -> Response {
        self.count += 1;
        let etag = format!("\"{:032x}\"", self.count);
        let object = Object { bytes: Arc::new(bytes), etag: etag.clone(), modified: Utc::now() };
        self.objects.insert(key.to_string(), object);
        Response { status: 200, headers: vec![("ETag", etag)], body: Vec::new() }
    }

    fn list(&self, request: &Request) -> Response {
        let text = |name: &str| request.query.get(name).map_or("", String::as_str);
        let (prefix, delimiter) = (text("prefix"), text("delimiter"));
        let after = text("start-after").max(text("continuation-token"));
        let mut xml = String::new();
        let (mut keys, mut last, mut folder) = (0, "", String::new());
        let from = (Bound::Excluded(after.to_string()), Bound::Unbounded);
        for (key, object) in self.objects.range(from).filter(|(key, _)| key.starts_with(prefix)) {
            if keys == PAGE_KEYS {
                let token = escaped(last);
                xml.push_str(&format!("<NextContinuationToken>{token}</NextContinuationToken>"));
                break;
            }
            (keys, last) = (keys + 1, key);
            let end = key[prefix.len()..].find(delimiter).filter(|_| !delimiter.is_empty());
            if let Some(end) = end {
                let found = &key[..prefix.len() + end + delimiter.len()];
                if found != folder {
                    folder = found.to_string();
                    let folder = escaped(found);
                    xml.push_str(&format!(
                        "<CommonPrefixes><Prefix>{folder}</Prefix></CommonPrefixes>"
                    ));
                }
                continue;
            }
            xml.push_str(&format!(
                "<Contents><Key>{}</Key><Size>{}</Size><ETag>{}</ETag><LastModified>{}\
                 </LastModified></Contents>",
                escaped(key),
                object.bytes.len(),
                escaped(&object.etag),
                object.modified.to_rfc3339_opts(SecondsFormat::Millis, true)
            ));
        }
        xml_response("ListBucketResult", &xml)
    }

    fn begin_upload(&mut self) -> Response {
        self.count += 1;
        let upload = format!("upload{}", self.count);
        let xml = format!("<UploadId>{upload}</UploadId>");
        self.parts.insert(upload, BTreeMap::new());
        xml_response("InitiateMultipartUploadResult", &xml)
    }

    fn put_part(&mut self, request: &Request) -> Response {
        let number = request.query["partNumber"].parse().unwrap_or(0);
        let upload = request.query.get("uploadId").and_then(|id| self.parts.get_mut(id));
        let Some(upload) = upload else { return Response { status: 404, ..Response::default() } };
        upload.insert(number, request.body.clone());
        let headers = vec![("ETag", format!("\"part{number}\""))];
        Response { status: 200, headers, body: Vec::new() }
    }

    fn end_upload(&mut self, request: &Request) -> Response {
        let Some(parts) = self.parts.remove(&request.query["uploadId"]) else {
            return Response { status: 404, ..Response::default() };
        };
        let stored = self.store(&request.key, parts.into_values().flatten().collect());
        let xml = format!("<ETag>{}</ETag>", escaped(&stored.headers[0].1));
        xml_response("CompleteMultipartUploadResult", &xml)
    }

    fn delete_many(&mut self, request: &Request) -> Response {
        let text = String::from_utf8_lossy(&request.body);
        let mut xml = String::new();
        for part in text.split("<Key>").skip(1) {
            let key = part.split("</Key>").next().unwrap_or("");
            self.objects.remove(&unescaped(key));
            xml.push_str(&format!("<Deleted><Key>{key}</Key></Deleted>"));
        }
        xml_response("DeleteResult", &xml)
    }
}

fn xml_response(name: &str, inner: &str) -> Response {
    let body = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?><{name}>{inner}</{name}>");
    let headers = vec![("Content-Type", "application/xml".to_string())];
    Response { status: 200, headers, body: body.into_bytes() }
}

/// The bytes that `bytes=a-b`, `bytes=a-` and `bytes=-n` mean.
fn range_of(text: &str, size: usize) -> Option<Range<usize>> {
    let (first, last) = text.strip_prefix("bytes=")?.split_once('-')?;
    match (first.parse::<usize>(), last.parse::<usize>()) {
        (Ok(first), Ok(last)) => Some(first..size.min(last + 1)),
        (Ok(first), Err(_)) => Some(first..size),
        (Err(_), Ok(count)) => Some(size.saturating_sub(count)..size),
        _ => None,
    }
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let code = || u8::from_str_radix(std::str::from_utf8(after.get(..2)?).ok()?, 16).ok();
        match (first, (first == b'%').then(code).flatten()) {
            (_, Some(byte)) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            (b'+', None) => {
                bytes.push(b' ');
                rest = after;
            }
            (byte, None) => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

const ESCAPES: [(&str, &str); 4] = [("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\"", "&quot;")];

fn escaped(text: &str) -> String {
    ESCAPES.iter().fold(text.to_string(), |text, (plain, escape)| text.replace(plain, escape))
}

fn unescaped(text: &str) -> String {
    ESCAPES.iter().rev().fold(text.to_string(), |text, (plain, escape)| text.replace(escape, plain))
}
