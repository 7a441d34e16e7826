#![doc = include_str!("../README.md")]

mod address;
mod attributes;
mod buckets;
mod conditions;
mod content_type;
mod copy_object;
mod copy_source;
mod database;
mod delivery;
mod errors;
mod etag;
mod external_changes;
mod file_body;
mod files;
mod handler;
mod key_encoding;
mod key_pair;
mod list_objects;
mod list_uploads;
mod local_file;
mod multipart;
mod notification;
mod object_tags;
mod objects;
mod opened_object;
mod owner;
mod placement;
mod received_file;
mod recovery;

mod service;
mod store;
mod store_context;
mod times;
mod upload_parts;
mod upload_rows;
mod write_object;
mod write_request;
mod writer;
mod writer_thread;

pub use address::ObjectAddress;
pub use handler::S3Handler;
pub use key_pair::KeyPair;
pub use local_file::PutLocalFileError;
pub use notification::NotificationFilter;
pub use store::{OpenError, S3Store};
