//! Accepts requests: checks their signatures, and passes them to the operations of the store. This
//! module opens no connections.

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Request, Response};
use hyper::service::Service;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{Body, HttpError};

use crate::external_changes::scan_in_background;
use crate::form_upload::{is_form_upload, refuse_form_upload};
use crate::key_pair::KeyPair;
use crate::presigned::SignedRequestsOnly;
use crate::service::StoreService;
use crate::store::S3Store;

/// Responds to the S3 requests for a store. A clone is cheap, and belongs to the same store.
///
/// It is a service of `hyper`, so any server of `hyper` can use it.
#[derive(Clone)]
pub struct S3Handler {
    service: S3Service,
}

impl S3Store {
    /// Returns a handler of requests that are signed with `key_pair`.
    ///
    /// Requests must be path-style, in any region. They must be signed by Signature Version 4: in a
    /// header, in a presigned URL, or with a chunked body. A presigned URL may be valid for twelve
    /// hours at most. Uploads by HTML forms are refused before their bodies are read.
    ///
    /// A background thread compares the folders with the database. It registers each file that
    /// other programs added, changed or removed while the store was not open, and records a
    /// notification for each.
    ///
    /// The README of this crate has an example with a server and a client.
    #[must_use]
    pub fn handler(&self, key_pair: KeyPair) -> S3Handler {
        scan_in_background(self);
        let store = self.clone();
        let mut builder = S3ServiceBuilder::new(StoreService { store });
        let auth = SimpleAuth::from_single(key_pair.access_key, key_pair.secret_key);
        builder.set_auth(auth);
        builder.set_access(SignedRequestsOnly);
        S3Handler {
            service: builder.build(),
        }
    }
}

impl S3Handler {
    /// Responds to one request. A refused request gets a response too. A repeat is as safe as that
    /// of the S3 operation.
    ///
    /// # Errors
    /// Returns an error if the handler itself fails. The client then gets no response.
    pub async fn respond<B>(&self, request: Request<B>) -> Result<Response<Body>, HttpError>
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: std::error::Error + Send + Sync + 'static,
    {
        if is_form_upload(request.method(), request.headers()) {
            return refuse_form_upload();
        }
        self.service.call(request.map(Body::http_body_unsync)).await
    }
}

impl<B> Service<Request<B>> for S3Handler
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: std::error::Error + Send + Sync + 'static,
{
    type Response = Response<Body>;
    type Error = HttpError;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn call(&self, request: Request<B>) -> Self::Future {
        let handler = self.clone();
        Box::pin(async move { handler.respond(request).await })
    }
}
