//! FPS Sandbox: Amazon Flexible Payments Service on your own machine.
//!
//! * [`ledger`]: all money logic, pure — commands decide on a book
//! * [`store`]: the only room that speaks SQL — load, decide, save, in batches
//! * [`service`]: what a request does, whichever front it comes by — the action table, typed parameters, answers
//! * [`fps`]: the web service's front — bytes to requests, answers to XML with a status
//! * [`authentication`]: who asks
//! * [`query`]: query strings and forms, decoded
//! * [`signature`]: signatures of requests, and why one does not match
//! * [`outbound`]: messages from FPS to merchants, and their signatures
//! * [`cobranded`]: the pages on which buyers authorise tokens
//! * [`server`]: sockets, TLS, shutdown
//! * [`worlds`]: sandboxes within the sandbox, each with a database, keys, a clock and ids of its own
//! * [`seed`]: what a new world begins with
//! * [`sandbox`]: configuration in, a running service out
//! * [`cli`]: the command line
//! * [`config`], [`logging`], [`clock`], [`random`]: settings, log lines, the one clock, the one source of randomness
//! * [`error`], [`basis`]: every error code, and where behaviour comes from

pub mod authentication;
pub mod basis;
pub mod cli;
pub mod clock;
pub mod cobranded;
pub mod config;
pub mod error;
pub mod fps;
pub mod ledger;
pub mod logging;
pub mod outbound;
pub mod query;
pub mod random;
pub mod sandbox;
pub mod seed;
pub mod server;
pub mod service;
pub mod signature;
pub mod store;
pub mod worlds;
