//! `/stages/{door}/{file}`: the bytes of files that clients move for PUT and GET.
//!
//! A file comes in piece by piece, and appears in its stage when all of it is there; one whose client goes away in the
//! middle never does.

use std::io::{Read, Write};

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::{CONTENT_LENGTH, ETAG};
use axum::http::{HeaderValue, Request, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use firn_engine::{Direction, StageWriter, StagedFile};
use futures::stream;
use http_body_util::BodyExt;
use tokio::sync::mpsc;

use crate::state::Shared;
use crate::transfer::Door;

/// Pieces of a file that wait between the network and the store.
const PIECES: usize = 4;
/// Bytes of a piece that is read from the store.
const PIECE_BYTES: usize = 256 << 10;

/// `PUT`: a file goes into its stage.
pub(crate) async fn write(
    State(state): State<Shared>,
    Path((key, file)): Path<(String, String)>,
    request: Request<Body>,
) -> Response {
    let Some(door) = state.doors.find(&key, Direction::Upload) else { return absent() };
    let (send, receive) = mpsc::channel::<Option<Bytes>>(PIECES);
    let written = tokio::task::spawn_blocking(move || store(&door, &file, receive));
    let whole = pass_on(request.into_body(), &send).await;
    drop(send);
    match written.await {
        Ok(Ok(())) if whole => {
            let mut response = StatusCode::OK.into_response();
            response.headers_mut().insert(ETAG, HeaderValue::from_static("\"1\""));
            response
        }
        Ok(Err(error)) => (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
        _ => StatusCode::BAD_REQUEST.into_response(),
    }
}

fn absent() -> Response {
    StatusCode::NOT_FOUND.into_response()
}

/// Passes the pieces of a body on, and then that they were all; false when the client went away.
async fn pass_on(mut body: Body, send: &mpsc::Sender<Option<Bytes>>) -> bool {
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return false };
        if let Ok(piece) = frame.into_data()
            && send.send(Some(piece)).await.is_err()
        {
            return false;
        }
    }
    send.send(None).await.is_ok()
}

/// Writes the pieces of a file, which appears when all have come.
fn store(
    door: &Door,
    file: &str,
    mut pieces: mpsc::Receiver<Option<Bytes>>,
) -> firn_types::Result<()> {
    let path = door.path_of(file);
    let mut writer: Box<dyn StageWriter> = door.stage.write(&path)?;
    while let Some(piece) = pieces.blocking_recv() {
        let Some(piece) = piece else { return writer.finish() };
        writer.write_all(&piece).map_err(|error| cannot(&path, &error))?;
    }
    Err(cannot(&path, &std::io::Error::other("the client has gone away")))
}

fn cannot(path: &str, error: &std::io::Error) -> firn_types::Error {
    let text = format!("File '{path}' cannot be read or written: {error}");
    firn_types::Error::new(firn_types::ErrorCode::StageFailure, text)
}

/// `GET` and `HEAD`: a file comes out of its stage.
pub(crate) async fn read(
    State(state): State<Shared>,
    Path((key, file)): Path<(String, String)>,
    request: Request<Body>,
) -> Response {
    let Some(door) = state.doors.find(&key, Direction::Download) else { return absent() };
    let path = door.path_of(&file);
    let looked = door.clone();
    let sought = path.clone();
    let found = tokio::task::spawn_blocking(move || looked.stage.find(&sought)).await;
    let Ok(Ok(Some(StagedFile { size, .. }))) = found else { return absent() };
    let body = match request.method() == axum::http::Method::HEAD {
        true => Body::empty(),
        false => read_on(door, path),
    };
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(size));
    response
}

/// The pieces of a file, read as they are sent.
fn read_on(door: Door, path: String) -> Body {
    let (send, receive) = mpsc::channel::<std::io::Result<Bytes>>(PIECES);
    tokio::task::spawn_blocking(move || {
        let read = || -> std::io::Result<()> {
            let mut reader = door.stage.read(&path).map_err(std::io::Error::other)?;
            loop {
                let mut piece = Vec::with_capacity(PIECE_BYTES);
                let limited = reader.by_ref().take(PIECE_BYTES as u64).read_to_end(&mut piece)?;
                if limited == 0 || send.blocking_send(Ok(piece.into())).is_err() {
                    return Ok(());
                }
            }
        };
        if let Err(error) = read() {
            let _ = send.blocking_send(Err(error));
        }
    });
    Body::from_stream(stream::unfold(receive, |mut receive| async move {
        receive.recv().await.map(|piece| (piece, receive))
    }))
}
