//! Integration tests: one target, a module for each subject.

mod local_s3;
