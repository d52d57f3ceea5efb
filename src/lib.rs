//! FPS Sandbox: Amazon Flexible Payments Service on your own machine.
//!
//! * [`ledger`]: all money logic, without I/O: commands that change the rows of a book
//! * [`store`]: the only module with SQL: loads rows, runs commands and saves changes, in batches
//! * [`service`]: what each action does, independent of the protocol: the action table, typed parameters, answers
//! * [`fps`]: the REST protocol: HTTP requests to actions, answers to XML with a status
//! * [`authentication`]: the caller of a request: access key, signature, timestamp
//! * [`query`]: decoding of query strings and forms
//! * [`signature`]: signatures of requests, and explanations of mismatches
//! * [`message_signing`]: signatures of messages from FPS to merchants
//! * [`cobranded`]: the pages on which buyers authorise tokens
//! * [`server`]: the HTTP server: sockets, TLS, time limits, shutdown
//! * [`worlds`]: sandboxes within the sandbox, each with a database, keys, a clock and ids of its own
//! * [`seed`]: the initial contents of a world
//! * [`sandbox`]: creates a running service from a configuration
//! * [`cli`]: the command line
//! * [`config`], [`logging`], [`clock`], [`random`]: settings, log lines, the one clock, the one source of randomness
//! * [`files`], [`host_names`]: atomic writes, names of hosts
//! * [`error`], [`provenance`]: every error code, and where behaviour comes from

pub mod authentication;
pub mod cli;
pub mod clock;
pub mod cobranded;
pub mod config;
pub mod error;
pub mod files;
pub mod fps;
pub mod host_names;
pub mod ledger;
pub mod logging;
pub mod message_signing;
pub mod provenance;
pub mod query;
pub mod random;
pub mod sandbox;
pub mod seed;
pub mod server;
pub mod service;
pub mod signature;
pub mod store;
pub mod worlds;
