//! The Co-Branded pages in Chromium with JavaScript disabled, controlled through chromedriver.
//!
//! Both must be installed, so these tests are ignored by default: `cargo test --test browser -- --ignored` runs them. They
//! write screenshots of the pages to `target/tmp/pages`.

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
use support::cobranded::{ReturnUrl, START, sign_start_parameters};
use support::{Server, demo, encode_query, pay};
use url::Url;

/// The web site of a merchant, with the page to which the sandbox redirects.
struct MerchantSite {
    address: String,
}

impl MerchantSite {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let return_page =
            async || Html("<!doctype html><title>Shop</title><h1 id=\"welcome\">Welcome back</h1>");
        // Merchants may redirect to another host; so does this one.
        let host = address.replace("127.0.0.1", "localhost");
        let on = async move |RawQuery(query): RawQuery| {
            Redirect::to(&format!("{host}/back?{}", query.unwrap_or_default()))
        };
        let router = Router::new().route("/back", get(return_page)).route("/on", get(on));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address }
    }

    /// A signed start URL for buying on credit.
    fn start_url(&self, server: &Server, number: u32) -> String {
        let (return_url, sender) = (format!("{}/on?order=7", self.address), format!("credit {number}"));
        let settlement = format!("settlement {number}");
        let parameters = [
            ("callerKey", demo::KEY),
            ("pipelineName", "SetupPostpaid"),
            ("returnURL", return_url.as_str()),
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
            encode_query(&sign_start_parameters(&parameters, demo::SECRET))
        )
    }
}

/// A chromedriver process on a free port, which is killed when this is dropped.
struct Chromedriver {
    address: String,
    process: Child,
}

/// A colour scheme and a window size.
#[derive(Clone, Copy)]
struct Appearance {
    name: &'static str,
    is_dark: bool,
    width: u32,
    height: u32,
}

const APPEARANCES: [Appearance; 4] = [
    Appearance { name: "light", is_dark: false, width: 1100, height: 1000 },
    Appearance { name: "dark", is_dark: true, width: 1100, height: 1000 },
    Appearance { name: "phone-light", is_dark: false, width: 390, height: 844 },
    Appearance { name: "phone-dark", is_dark: true, width: 390, height: 844 },
];

impl Chromedriver {
    fn start() -> Self {
        let mut process = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is installed: it comes with the package chromium-driver");
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines().map_while(Result::ok);
        let port =
            lines.find_map(|line| Some(line.split_once("started successfully on port ")?.1.to_owned()));
        let port = port.expect("chromedriver says its port");
        // The rest of the output must be read, or chromedriver blocks on a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Self { address: format!("http://localhost:{}", port.trim_end_matches('.')), process }
    }

    /// Starts a browser with JavaScript disabled.
    async fn browser(&self, appearance: Appearance) -> Browser {
        let scheme = u8::from(!appearance.is_dark);
        let capabilities = json!({
            "goog:chromeOptions": {
                // Chromium needs --no-sandbox when it runs as root, as in many containers.
                "args": [
                    "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                    format!("--blink-settings=preferredColorScheme={scheme}"),
                ],
                "prefs": { "profile.managed_default_content_settings.javascript": 2 },
                // A window cannot be as narrow as a phone, but an emulated device can. With touch emulation and without
                // JavaScript, clicks never complete.
                "mobileEmulation": {
                    "deviceMetrics": {
                        "width": appearance.width, "height": appearance.height, "pixelRatio": 1.0, "touch": false, "mobile": false,
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

impl Drop for Chromedriver {
    fn drop(&mut self) {
        let _ended = self.process.kill();
        let _ended = self.process.wait();
    }
}

/// Waits for the first element that matches a CSS selector.
async fn wait_for(browser: &Browser, css: &str) -> Element {
    let found = browser.wait().at_most(Duration::from_secs(20)).for_element(Locator::Css(css)).await;
    found.unwrap_or_else(|problem| panic!("no {css}: {problem}"))
}

async fn click(browser: &Browser, css: &str) {
    wait_for(browser, css).await.click().await.unwrap_or_else(|problem| panic!("{css}: {problem}"));
}

async fn text(browser: &Browser, css: &str) -> String {
    wait_for(browser, css).await.text().await.unwrap()
}

/// Waits until the browser is back at the merchant, and returns the return URL.
async fn wait_for_return(browser: &Browser) -> ReturnUrl {
    wait_for(browser, "#welcome").await;
    // The signature covers the URL to which the sandbox redirected, before the redirect by the merchant.
    let mut url: Url = browser.current_url().await.unwrap();
    url.set_host(Some("127.0.0.1")).unwrap();
    url.set_path("/on");
    let pairs = url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
    ReturnUrl { url, pairs }
}

fn screenshot_folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// Takes a screenshot and checks the page: nothing is cut off, every field has a label, every text has enough contrast.
async fn check_page(browser: &Browser, page: &str, appearance: Appearance) {
    let name = format!("{page}-{}.png", appearance.name);
    std::fs::write(screenshot_folder().join(&name), browser.screenshot().await.unwrap()).unwrap();
    let findings = browser.execute(CHECK_SCRIPT, Vec::new()).await.unwrap();
    assert_eq!(findings["problems"], json!([]), "{name}");
    assert!(findings["texts"].as_u64().unwrap() > 5, "{name}: {findings}");
    assert_eq!(findings["width"], appearance.width, "{name}");
}

/// A script for the browser that checks contrast as WCAG 2 defines it, labels, landmarks and width.
const CHECK_SCRIPT: &str = r#"
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

/// Limits the time of a test, in case the browser hangs.
async fn with_timeout(test: impl Future<Output = ()>) {
    tokio::time::timeout(Duration::from_secs(90), test).await.expect("the browser answers");
}

/// From the link of the merchant to Pay, SettleDebt and GetDebtBalance, like the browser tests of merchants.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium and chromedriver: cargo test --test browser -- --ignored"]
async fn a_buyer_sets_up_credit_in_a_browser_and_the_merchant_is_paid() {
    with_timeout(Box::pin(async {
        let (server, site, driver) =
            (Server::start().await, MerchantSite::start().await, Chromedriver::start());
        let browser = driver.browser(APPEARANCES[0]).await;
        browser.goto(&site.start_url(&server, 1)).await.unwrap();
        assert!(text(&browser, "main").await.contains("Sign in with your Amazon account"));
        wait_for(&browser, "#ap_email").await.send_keys("alice@example.com").await.unwrap();
        wait_for(&browser, "#ap_password").await.send_keys("whatever").await.unwrap();
        click(&browser, "#signInSubmit").await;
        wait_for(&browser, "[data-testid=review-form]").await;
        let terms = text(&browser, "[data-testid=terms]").await;
        for wanted in ["You can owe at most $50.00 at a time.", "$500.00", "At most 3 purchases each day."] {
            assert!(terms.contains(wanted), "{terms}");
        }
        click(&browser, "[type=submit]").await;
        let return_url = wait_for_return(&browser).await;
        assert_eq!(
            (return_url.value("order"), return_url.value("status")),
            ("7", "SC"),
            "{}",
            return_url.url
        );
        assert_eq!(server.pages().verify_signature(&return_url).await, "Success");

        let merchant = server.merchant();
        let (instrument, settlement) =
            (return_url.value("creditInstrumentID"), return_url.value("settlementTokenID"));
        merchant.ok("Pay", &pay(return_url.value("creditSenderTokenID"), "20.00", "on credit")).await;
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

/// Test suites for Amazon's pages click image buttons: `input.submit`, or the last `input[type=image]`, once or twice on
/// every page.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium and chromedriver: cargo test --test browser -- --ignored"]
async fn a_test_suite_that_clicks_image_buttons_completes_a_visit() {
    with_timeout(Box::pin(async {
        let (server, site, driver) =
            (Server::start().await, MerchantSite::start().await, Chromedriver::start());
        for (number, css) in [(5, "input.submit"), (6, "input[type=image]")] {
            let browser = driver.browser(APPEARANCES[0]).await;
            browser.goto(&site.start_url(&server, number)).await.unwrap();
            wait_for(&browser, "#ap_email").await.send_keys("alice@example.com").await.unwrap();
            wait_for(&browser, "#ap_password").await.send_keys("whatever").await.unwrap();
            let mut clicks = 0;
            loop {
                let buttons = browser.find_all(Locator::Css(css)).await.unwrap();
                let Some(last) = buttons.last() else { break };
                last.clone().click().await.unwrap();
                clicks += 1;
            }
            assert_eq!(clicks, 2, "{css}");
            let return_url = wait_for_return(&browser).await;
            assert_eq!(return_url.value("status"), "SC", "{}", return_url.url);
            browser.close().await.unwrap();
        }
        // On the review page one click completes the visit, and a double click does not do more.
        let browser = driver.browser(APPEARANCES[0]).await;
        browser.goto(&site.start_url(&server, 7)).await.unwrap();
        wait_for(&browser, "#ap_email").await.send_keys("alice@example.com").await.unwrap();
        click(&browser, "#signInSubmit").await;
        let button = wait_for(&browser, "[data-testid=review-form] input.submit").await;
        let (down, up) = (
            PointerAction::Down { button: MOUSE_BUTTON_LEFT },
            PointerAction::Up { button: MOUSE_BUTTON_LEFT },
        );
        let over = PointerAction::MoveToElement { element: button, duration: None, x: 0.0, y: 0.0 };
        let twice = [over, down.clone(), up.clone(), down, up];
        let twice = twice.into_iter().fold(MouseActions::new("mouse".to_owned()), MouseActions::then);
        browser.perform_actions(twice).await.unwrap();
        assert_eq!(wait_for_return(&browser).await.value("status"), "SC");
        browser.close().await.unwrap();
        server.stop().await;
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium and chromedriver: cargo test --test browser -- --ignored"]
async fn a_buyer_who_cancels_returns_without_tokens() {
    with_timeout(Box::pin(async {
        let (server, site, driver) =
            (Server::start().await, MerchantSite::start().await, Chromedriver::start());
        let browser = driver.browser(APPEARANCES[0]).await;
        browser.goto(&site.start_url(&server, 2)).await.unwrap();
        click(&browser, "[data-testid='visitor-bob@example.com']").await;
        click(&browser, "[data-testid=cancel]").await;
        let return_url = wait_for_return(&browser).await;
        assert_eq!(return_url.result_names(), ["status"]);
        assert_eq!(
            (return_url.value("status"), server.pages().verify_signature(&return_url).await),
            ("A", "Success".to_owned())
        );
        // Nothing was created, so the same link works again. This time the sandbox panel ends the visit.
        browser.goto(&site.start_url(&server, 2)).await.unwrap();
        click(&browser, "[data-testid=sandbox-panel] summary").await;
        click(&browser, "[data-testid=ending-SE]").await;
        assert_eq!(wait_for_return(&browser).await.value("status"), "SE");
        browser.close().await.unwrap();
        server.stop().await;
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium and chromedriver: cargo test --test browser -- --ignored"]
async fn a_visit_works_with_the_keyboard_only() {
    with_timeout(Box::pin(async {
        let (server, site, driver) =
            (Server::start().await, MerchantSite::start().await, Chromedriver::start());
        let browser = driver.browser(APPEARANCES[0]).await;
        browser.goto(&site.start_url(&server, 3)).await.unwrap();
        let press = async |keys: &str| browser.active_element().await.unwrap().send_keys(keys).await.unwrap();
        wait_for(&browser, "#ap_email").await;
        press(&String::from(char::from(Key::Tab))).await;
        press("new@example.com").await;
        press(&String::from(char::from(Key::Enter))).await;
        wait_for(&browser, "[data-testid=review-form]").await;
        // Tab to the payment methods, select the next one, and tab to the button.
        press(&String::from(char::from(Key::Tab))).await;
        press(&String::from(char::from(Key::Down))).await;
        press(&String::from(char::from(Key::Tab))).await;
        press(&String::from(char::from(Key::Enter))).await;
        let return_url = wait_for_return(&browser).await;
        assert_eq!(return_url.value("status"), "SB", "{}", return_url.url);
        browser.close().await.unwrap();
        server.stop().await;
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium and chromedriver: cargo test --test browser -- --ignored"]
async fn the_pages_are_readable_in_light_and_dark_mode_and_on_a_phone() {
    with_timeout(Box::pin(async {
        let (server, site, driver) =
            (Server::start().await, MerchantSite::start().await, Chromedriver::start());
        for appearance in APPEARANCES {
            let browser = driver.browser(appearance).await;
            let url = site.start_url(&server, 4);
            browser.goto(&url).await.unwrap();
            wait_for(&browser, "#ap_email").await;
            click(&browser, "[data-testid=sandbox-panel] summary").await;
            check_page(&browser, "sign-in", appearance).await;
            wait_for(&browser, "#ap_email").await.send_keys("alice@example").await.unwrap();
            click(&browser, "#signInSubmit").await;
            wait_for(&browser, "[data-testid=review-form]").await;
            click(&browser, "[data-testid=sandbox-panel] summary").await;
            check_page(&browser, "review", appearance).await;
            browser.goto(&url.replace("returnURL=http", "returnURL=ftp")).await.unwrap();
            wait_for(&browser, "[data-testid=problem]").await;
            let name = format!("problem-{}.png", appearance.name);
            std::fs::write(screenshot_folder().join(name), browser.screenshot().await.unwrap()).unwrap();
            browser.close().await.unwrap();
        }
        server.stop().await;
    }))
    .await;
}
