//! The Co-Branded pages in a real browser: Chromium, driven by chromedriver, without JavaScript on the pages.
//!
//! Both have to be installed, so these tests run only when asked for: `cargo test --test browser -- --ignored`.
//! Pictures of the pages are left in `target/tmp/pages`.

#![allow(
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::unchecked_time_subtraction,
    reason = "the numbers here are small"
)]
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on says so"
)]

mod support;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use axum::Router;
use axum::extract::RawQuery;
use axum::response::{Html, Redirect};
use axum::routing::get;
use fantoccini::actions::{InputSource, MOUSE_BUTTON_LEFT, MouseActions, PointerAction};
use fantoccini::elements::Element;
use fantoccini::key::Key;
use fantoccini::{Client as Browser, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use support::cobranded::{Back, START, signed};
use support::{Server, demo, encode, pay};
use url::Url;

/// A merchant's site: a page that sends people to the sandbox, and the page to which they come back.
struct Shop {
    address: String,
}

impl Shop {
    async fn open() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let back = async || Html("<!doctype html><title>Shop</title><h1 id=\"welcome\">Welcome back</h1>");
        // Shops send people on: to another host, to a session of their own.
        let host = address.replace("127.0.0.1", "localhost");
        let on = async move |RawQuery(query): RawQuery| {
            Redirect::to(&format!("{host}/back?{}", query.unwrap_or_default()))
        };
        let router = Router::new().route("/back", get(back)).route("/on", get(on));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address }
    }

    /// Where the shop sends people to buy on credit, signed.
    fn start_url(&self, server: &Server, number: u32) -> String {
        let (back, sender) = (format!("{}/on?order=7", self.address), format!("credit {number}"));
        let settlement = format!("settlement {number}");
        let parameters = [
            ("callerKey", demo::KEY),
            ("pipelineName", "SetupPostpaid"),
            ("returnURL", back.as_str()),
            ("version", "2009-01-09"),
            ("callerReferenceSender", sender.as_str()),
            ("callerReferenceSettlement", settlement.as_str()),
            ("creditLimit", "50"),
            ("globalAmountLimit", "500"),
            ("usageLimitType1", "Count"),
            ("usageLimitValue1", "3"),
            ("usageLimitPeriod1", "1 Day"),
            ("paymentReason", "Postpaid <b>downloads</b> of music"),
            ("websiteDescription", "Music and books since 1999"),
        ];
        format!(
            "http://localhost:{}{START}?{}",
            server.addr.port(),
            encode(&signed(&parameters, demo::SECRET))
        )
    }
}

/// chromedriver on a free port; it ends with this.
struct Driver {
    address: String,
    process: Child,
}

/// How the browser shows pages.
#[derive(Clone, Copy)]
struct Look {
    name: &'static str,
    is_dark: bool,
    width: u32,
    height: u32,
}

const LOOKS: [Look; 4] = [
    Look { name: "light", is_dark: false, width: 1100, height: 1000 },
    Look { name: "dark", is_dark: true, width: 1100, height: 1000 },
    Look { name: "phone-light", is_dark: false, width: 390, height: 844 },
    Look { name: "phone-dark", is_dark: true, width: 390, height: 844 },
];

impl Driver {
    fn start() -> Self {
        let mut process = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is installed: it comes with the package chromium-driver");
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines().map_while(Result::ok);
        let said =
            lines.find_map(|line| Some(line.split_once("started successfully on port ")?.1.to_owned()));
        let port = said.expect("chromedriver says its port");
        // What it says later is nobody's business, but has to be read.
        std::thread::spawn(move || lines.for_each(drop));
        Self { address: format!("http://localhost:{}", port.trim_end_matches('.')), process }
    }

    /// A browser in which pages have no JavaScript.
    async fn browser(&self, look: Look) -> Browser {
        let scheme = u8::from(!look.is_dark);
        let capabilities = json!({
            "goog:chromeOptions": {
                // As root, which containers often are, Chromium needs --no-sandbox.
                "args": [
                    "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                    format!("--blink-settings=preferredColorScheme={scheme}"),
                ],
                "prefs": { "profile.managed_default_content_settings.javascript": 2 },
                // Windows are never as narrow as a phone; what is shown in them is. Without JavaScript, touches would
                // wait for an answer for ever.
                "mobileEmulation": {
                    "deviceMetrics": {
                        "width": look.width, "height": look.height, "pixelRatio": 1.0, "touch": false, "mobile": false,
                    },
                },
            }
        });
        let Value::Object(capabilities) = capabilities else { unreachable!() };
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(capabilities);
        builder.connect(&self.address).await.expect("Chromium starts")
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ended = self.process.kill();
        let _ended = self.process.wait();
    }
}

/// The element, as soon as it is there.
async fn element(browser: &Browser, css: &str) -> Element {
    let found = browser.wait().at_most(Duration::from_secs(20)).for_element(Locator::Css(css)).await;
    found.unwrap_or_else(|problem| panic!("no {css}: {problem}"))
}

async fn click(browser: &Browser, css: &str) {
    element(browser, css).await.click().await.unwrap_or_else(|problem| panic!("{css}: {problem}"));
}

async fn text(browser: &Browser, css: &str) -> String {
    element(browser, css).await.text().await.unwrap()
}

/// Back at the shop: what the URL says.
async fn back_at_the_shop(browser: &Browser) -> Back {
    element(browser, "#welcome").await;
    // The signature is over the address to which the sandbox sent them.
    let mut url: Url = browser.current_url().await.unwrap();
    url.set_host(Some("127.0.0.1")).unwrap();
    url.set_path("/on");
    let pairs = url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
    Back { url, pairs }
}

fn pictures() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// Leaves a picture, and looks at what a person would: nothing is cut off, every field has its label, every text stands
/// out against what is behind it.
async fn look_at(browser: &Browser, page: &str, look: Look) {
    let name = format!("{page}-{}.png", look.name);
    std::fs::write(pictures().join(&name), browser.screenshot().await.unwrap()).unwrap();
    let findings = browser.execute(FINDINGS, Vec::new()).await.unwrap();
    assert_eq!(findings["problems"], json!([]), "{name}");
    assert!(findings["texts"].as_u64().unwrap() > 5, "{name}: {findings}");
    assert_eq!(findings["width"], look.width, "{name}");
}

/// Runs in the browser: contrast as WCAG 2 reckons it, labels, landmarks, width.
const FINDINGS: &str = r#"
const problems = [];
const channel = c => { c /= 255; return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
const rgba = text => text.match(/[\d.]+/g).map(Number);
const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
const behind = element => {
  for (let at = element; at; at = at.parentElement) {
    const color = rgba(getComputedStyle(at).backgroundColor);
    if (color.length < 4 || color[3] > 0) return color;
  }
  return [255, 255, 255];
};
let texts = 0;
for (const element of document.body.querySelectorAll("*")) {
  const own = element.tagName === "INPUT" ? element.value
    : [...element.childNodes].filter(n => n.nodeType === 3).map(n => n.data).join("");
  if (!own.trim() || !element.checkVisibility() || element.type === "hidden" || element.type === "radio") continue;
  texts += 1;
  const [a, b] = [light(rgba(getComputedStyle(element).color)), light(behind(element))];
  const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  if (contrast < 4.5) problems.push(`contrast ${contrast.toFixed(2)}: ${own.trim().slice(0, 40)}`);
}
for (const field of document.querySelectorAll("input:not([type=hidden]):not([type=submit]):not([type=image])")) {
  if (!field.labels.length) problems.push(`no label: ${field.name}`);
}
const buttons = document.querySelectorAll("input[type=image]");
if (buttons.length !== 1) problems.push(`${buttons.length} image buttons`);
for (const button of buttons) {
  const beside = button.previousElementSibling;
  const [a, b] = [button.getBoundingClientRect(), beside.getBoundingClientRect()];
  if (button.alt !== beside.value) problems.push(`the image button says ${button.alt}`);
  if (a.top !== b.top || a.bottom !== b.bottom || a.left !== b.right) problems.push("the button is in two pieces");
}
for (const [css, count] of [["main", 1], ["h1", 1], ["header", 1], ["footer", 1], ["html[lang]", 1], ["title", 1]]) {
  if (document.querySelectorAll(css).length !== count) problems.push(`not ${count} ${css}`);
}
const root = document.documentElement;
if (root.scrollWidth > root.clientWidth) problems.push(`cut off at ${root.clientWidth} of ${root.scrollWidth}`);
return { problems, texts, width: root.clientWidth };
"#;

/// A browser that does not answer is a failure, not a test that never ends.
async fn bounded(test: impl Future<Output = ()>) {
    tokio::time::timeout(Duration::from_secs(90), test).await.expect("the browser answers");
}

/// From the merchant's link to Pay, SettleDebt and GetDebtBalance, as merchants' own browser tests go.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium and chromedriver: cargo test --test browser -- --ignored"]
async fn a_buyer_sets_up_credit_in_a_browser_and_the_merchant_is_paid() {
    bounded(Box::pin(async {
        let (server, shop, driver) = (Server::start().await, Shop::open().await, Driver::start());
        let browser = driver.browser(LOOKS[0]).await;
        browser.goto(&shop.start_url(&server, 1)).await.unwrap();
        assert!(text(&browser, "main").await.contains("Sign in with your Amazon account"));
        element(&browser, "#ap_email").await.send_keys("alice@example.com").await.unwrap();
        element(&browser, "#ap_password").await.send_keys("whatever").await.unwrap();
        click(&browser, "#signInSubmit").await;
        element(&browser, "[data-testid=review-form]").await;
        let terms = text(&browser, "[data-testid=terms]").await;
        for wanted in ["You can owe at most $50.00 at a time.", "$500.00", "At most 3 purchases each day."] {
            assert!(terms.contains(wanted), "{terms}");
        }
        click(&browser, "[type=submit]").await;
        let back = back_at_the_shop(&browser).await;
        assert_eq!((back.value("order"), back.value("status")), ("7", "SC"), "{}", back.url);
        assert_eq!(server.pages().verifies(&back).await, "Success");

        let merchant = server.merchant();
        let (instrument, settlement) = (back.value("creditInstrumentID"), back.value("settlementTokenID"));
        merchant.ok("Pay", &pay(back.value("creditSenderTokenID"), "20.00", "on credit")).await;
        assert_eq!(merchant.debt(instrument).await.0, "20.000000");
        let settle = [
            ("SenderTokenId", settlement),
            ("CreditInstrumentId", instrument),
            ("CallerReference", "settled"),
        ];
        merchant.ok("SettleDebt", &settle).await;
        server.advance(Duration::from_secs(2)).await;
        assert_eq!(merchant.debt(instrument).await, ("0.000000".to_owned(), "0.000000".to_owned()));
        browser.close().await.unwrap();
        server.stop().await;
    }))
    .await;
}

/// Suites written for Amazon's pages know image buttons: they click `input.submit`, or the last `input[type=image]`,
/// once or twice, whatever page is shown.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium and chromedriver: cargo test --test browser -- --ignored"]
async fn a_suite_that_clicks_image_buttons_gets_to_the_end() {
    bounded(Box::pin(async {
        let (server, shop, driver) = (Server::start().await, Shop::open().await, Driver::start());
        for (number, css) in [(5, "input.submit"), (6, "input[type=image]")] {
            let browser = driver.browser(LOOKS[0]).await;
            browser.goto(&shop.start_url(&server, number)).await.unwrap();
            element(&browser, "#ap_email").await.send_keys("alice@example.com").await.unwrap();
            element(&browser, "#ap_password").await.send_keys("whatever").await.unwrap();
            let mut clicks = 0;
            loop {
                let buttons = browser.find_all(Locator::Css(css)).await.unwrap();
                let Some(last) = buttons.last() else { break };
                last.clone().click().await.unwrap();
                clicks += 1;
            }
            assert_eq!(clicks, 2, "{css}");
            let back = back_at_the_shop(&browser).await;
            assert_eq!(back.value("status"), "SC", "{}", back.url);
            browser.close().await.unwrap();
        }
        // After sign-in by its button, one click ends it; a double click has one effect.
        let browser = driver.browser(LOOKS[0]).await;
        browser.goto(&shop.start_url(&server, 7)).await.unwrap();
        element(&browser, "#ap_email").await.send_keys("alice@example.com").await.unwrap();
        click(&browser, "#signInSubmit").await;
        let button = element(&browser, "[data-testid=review-form] input.submit").await;
        let (down, up) = (
            PointerAction::Down { button: MOUSE_BUTTON_LEFT },
            PointerAction::Up { button: MOUSE_BUTTON_LEFT },
        );
        let over = PointerAction::MoveToElement { element: button, duration: None, x: 0.0, y: 0.0 };
        let twice = [over, down.clone(), up.clone(), down, up];
        let twice = twice.into_iter().fold(MouseActions::new("mouse".to_owned()), MouseActions::then);
        browser.perform_actions(twice).await.unwrap();
        assert_eq!(back_at_the_shop(&browser).await.value("status"), "SC");
        browser.close().await.unwrap();
        server.stop().await;
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium and chromedriver: cargo test --test browser -- --ignored"]
async fn a_buyer_who_cancels_comes_back_with_nothing() {
    bounded(Box::pin(async {
        let (server, shop, driver) = (Server::start().await, Shop::open().await, Driver::start());
        let browser = driver.browser(LOOKS[0]).await;
        browser.goto(&shop.start_url(&server, 2)).await.unwrap();
        click(&browser, "[data-testid='visitor-bob@example.com']").await;
        click(&browser, "[data-testid=cancel]").await;
        let back = back_at_the_shop(&browser).await;
        assert_eq!(back.results(), ["status"]);
        assert_eq!((back.value("status"), server.pages().verifies(&back).await), ("A", "Success".to_owned()));
        // Nothing was made, so the same link works again; the panel ends it in another way.
        browser.goto(&shop.start_url(&server, 2)).await.unwrap();
        click(&browser, "[data-testid=sandbox-panel] summary").await;
        click(&browser, "[data-testid=ending-SE]").await;
        assert_eq!(back_at_the_shop(&browser).await.value("status"), "SE");
        browser.close().await.unwrap();
        server.stop().await;
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium and chromedriver: cargo test --test browser -- --ignored"]
async fn a_keyboard_is_enough() {
    bounded(Box::pin(async {
        let (server, shop, driver) = (Server::start().await, Shop::open().await, Driver::start());
        let browser = driver.browser(LOOKS[0]).await;
        browser.goto(&shop.start_url(&server, 3)).await.unwrap();
        let press = async |keys: &str| browser.active_element().await.unwrap().send_keys(keys).await.unwrap();
        element(&browser, "#ap_email").await;
        press(&String::from(char::from(Key::Tab))).await;
        press("new@example.com").await;
        press(&String::from(char::from(Key::Enter))).await;
        element(&browser, "[data-testid=review-form]").await;
        // To the payment methods, one further, and to the button.
        press(&String::from(char::from(Key::Tab))).await;
        press(&String::from(char::from(Key::Down))).await;
        press(&String::from(char::from(Key::Tab))).await;
        press(&String::from(char::from(Key::Enter))).await;
        let back = back_at_the_shop(&browser).await;
        assert_eq!(back.value("status"), "SB", "{}", back.url);
        browser.close().await.unwrap();
        server.stop().await;
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium and chromedriver: cargo test --test browser -- --ignored"]
async fn the_pages_can_be_read_in_the_light_in_the_dark_and_on_a_phone() {
    bounded(Box::pin(async {
        let (server, shop, driver) = (Server::start().await, Shop::open().await, Driver::start());
        for look in LOOKS {
            let browser = driver.browser(look).await;
            let url = shop.start_url(&server, 4);
            browser.goto(&url).await.unwrap();
            element(&browser, "#ap_email").await;
            click(&browser, "[data-testid=sandbox-panel] summary").await;
            look_at(&browser, "sign-in", look).await;
            element(&browser, "#ap_email").await.send_keys("alice@example").await.unwrap();
            click(&browser, "#signInSubmit").await;
            element(&browser, "[data-testid=review-form]").await;
            click(&browser, "[data-testid=sandbox-panel] summary").await;
            look_at(&browser, "review", look).await;
            browser.goto(&url.replace("returnURL=http", "returnURL=ftp")).await.unwrap();
            element(&browser, "[data-testid=problem]").await;
            let name = format!("problem-{}.png", look.name);
            std::fs::write(pictures().join(name), browser.screenshot().await.unwrap()).unwrap();
            browser.close().await.unwrap();
        }
        server.stop().await;
    }))
    .await;
}
