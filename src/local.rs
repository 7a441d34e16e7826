//! Embedded engines: what `photos serve` puts behind the S3 and DynamoDB endpoints where there is no AWS.
//!
//! [`s3`] is an S3 server over a plain folder, [`dynamodb`] a DynamoDB on SQLite. Both speak HTTP, and the rest of
//! the crate reaches them only through the AWS SDK. Nothing here imports the code that they serve: an engine that
//! shared it would agree with its mistakes.

pub mod dynamodb;
pub mod s3;
