//! A sandbox for each test: a real server on a free port, a clock that stands still until a test moves it, and a client
//! that signs requests as FPS clients do and sends them over a plain socket.

#![allow(
    dead_code,
    unused_imports,
    missing_docs,
    unreachable_pub,
    reason = "each test program uses a part of this module"
)]
#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot go on panics")]

mod client;
pub mod cobranded;
mod http;
pub mod postgres;
pub mod program;
pub mod request_builder;
pub mod rng;
mod server;
pub mod xml;

pub use client::{Client, Parameters, pay, settle};
pub use http::{Response, encode_query, get_request, read_response, redact, send_raw};
pub use server::{Server, config, instant};

/// The demo world's access key, secret and ids.
pub mod demo {
    pub const KEY: &str = "AKIAIOSFODNN7EXAMPLE";
    pub const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
    pub const SECOND_KEY: &str = "0656Example83G2";
    pub const INSTRUMENT: &str = "553IBMFCG7Z8J4D1H7BB3HMNPFQQUPVUNT8RHCT1AXDJNXE6LJZ4KSKU2PI1TTIG";
    pub const CREDIT: &str = "563ICMBCGPZDJ4E1F7BL3UMNXFKQUKVWNT8RDCTSALDJWXH6LUZNKSHUFPIGTTIC";
    pub const SETTLEMENT: &str = "543IJMECGZZ3J4K1F7BJ3TMNXFBQU9VXNT7RRCTNAJDJ8X36L1ZRKSUUPPIBTTIK";
    pub const ABT: &str = "ABT1MPLE7TOKEN0ALICE0PAYS0FROM0HER0BALANCE000000000000000000DEMO";
    pub const CC: &str = "CC01MPLE7TOKEN0ALICE0PAYS0BY0CARD000000000000000000000000000DEMO";
    pub const PREPAID_INSTRUMENT: &str = "P53IBMFCG7Z8J4D1H7BB3HMNPFQQUPVUNT8RHCT1AXDJNXE6LJZ4KSKU2PI1TDEM";
    pub const PREPAID: &str = "PREPAID0TOKEN0ALICE0SPENDS0WHAT0SHE0PAID0IN0ADVANCE0000000DEMO00";
    pub const FUNDING: &str = "FUNDING0TOKEN0ALICE0PAYS0IN0ADVANCE0BY0CARD0000000000000000DEMO0";
    pub const SUBSCRIPTION: &str = "31DEM0SUBSCRIPT10N00000000000000000";
    pub const ACH: &str = "ACH1MPLE7TOKEN0ALICE0PAYS0BY0BANK0TRANSFER00000000000000000DEMO0";
}

/// The time that the clock of a test sandbox shows at first.
pub const NOW: &str = "2012-06-01T12:00:00Z";
