//! The sockets and tasks of one mDNS registry, and what they know.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::sync::{OnceCell, mpsc};
use tokio::time::{Instant, interval, sleep};
use tokio_util::sync::CancellationToken;

use super::cache::{Cache, Found, Way, is_instance_of};
use super::link::{Ear, Link, Links, Mouth, Wish, unusable};
use super::own::{ALL, DOMAIN, Own, answers, check_name};
use super::packet::{self, Kind, MAX_PACKET, Message};
use crate::Result;

/// How often interfaces that come and go are looked for.
const LOOK: Duration = Duration::from_secs(5);

/// How long a list of the interfaces is good for, when a question leaves by them.
const FRESH: Duration = Duration::from_secs(1);

/// News is told twice, as packets get lost.
const AGAIN: Duration = Duration::from_secs(1);

/// The most questions of one packet that are answered, and the most answers that wait for one who asked.
const MAX_QUESTIONS: usize = 16;
const MAX_WAITING: usize = 4_096;

#[derive(Debug)]
pub(super) struct Core {
    wish: Wish,
    host: String,
    pub(super) cache: Arc<Cache>,
    own: Mutex<Vec<Own>>,
    links: Mutex<Option<(Instant, Arc<Links>)>>,
    mouth: Mutex<Mouth>,
    ears: Mutex<Vec<OnLink>>,
    listening: OnceCell<()>,
    asking: Mutex<Vec<Asking>>,
    asked: AtomicU64,
    stop: CancellationToken,
}

/// A link that is listened on.
#[derive(Debug)]
struct OnLink {
    link: Arc<Link>,
    ears: Vec<Arc<Ear>>,
    stop: CancellationToken,
}

/// Somebody who waits for answers.
#[derive(Debug)]
struct Asking {
    number: u64,
    /// `None` asks for the names of all services.
    name: Option<String>,
    hears: mpsc::Sender<Heard>,
}

/// An answer.
#[derive(Debug)]
pub(super) enum Heard {
    /// A node.
    Node(Box<Found>),
    /// A node that goes, by the name that DNS has for it.
    Goodbye(String),
    /// A name that points elsewhere: to a node that the packet may have left out, or to a service.
    Pointer(String),
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing here panics half way through a change.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Core {
    /// Opens what questions leave by. Nothing is sent, and nothing is listened to but answers.
    pub(super) fn open(wish: Wish, stop: CancellationToken) -> Result<Arc<Self>> {
        let mouth = Mouth::open().map_err(|error| unusable(vec![("every interface".to_owned(), error)], wish.port))?;
        let host = gethostname::gethostname().to_string_lossy().trim_end_matches('.').to_owned();
        // A host name that DNS cannot carry is nothing to fail for: it only ties an address to a port.
        let host = if check_name(&host).is_ok() { host } else { DOMAIN.to_owned() };
        let sockets: Vec<Arc<UdpSocket>> = mouth.v4.iter().chain(&mouth.v6).cloned().collect();
        let core = Arc::new(Self {
            wish,
            host,
            cache: Arc::default(),
            own: Mutex::default(),
            links: Mutex::default(),
            mouth: Mutex::new(mouth),
            ears: Mutex::default(),
            listening: OnceCell::new(),
            asking: Mutex::default(),
            asked: AtomicU64::new(0),
            stop: stop.clone(),
        });
        for socket in sockets {
            let to = core.clone();
            tokio::spawn(stop.clone().run_until_cancelled_owned(async move {
                receive(&socket, |bytes, from| to.heard(bytes, from, None)).await;
            }));
        }
        Ok(core)
    }

    /// Listens to what is said to all, from now on.
    ///
    /// # Errors
    /// [`Code::Unavailable`](crate::Code::Unavailable) when no interface can be listened on.
    pub(super) async fn listen(self: &Arc<Self>) -> Result<()> {
        let begin = async || {
            self.follow_links()?;
            let core = self.clone();
            tokio::spawn(self.stop.clone().run_until_cancelled_owned(async move {
                let mut ticks = interval(LOOK);
                loop {
                    ticks.tick().await;
                    if let Err(error) = core.follow_links() {
                        tracing::debug!(%error, "mdns has no interface at the moment");
                    }
                }
            }));
            Ok(())
        };
        self.listening.get_or_try_init(begin).await.copied()
    }

    /// The interfaces as they are now, or were a moment ago.
    fn links(&self) -> Result<Arc<Links>> {
        let mut links = lock(&self.links);
        if let Some((at, known)) = &*links {
            if at.elapsed() < FRESH {
                return Ok(known.clone());
            }
        }
        let new = Arc::new(Links::list(&self.wish)?);
        *links = Some((Instant::now(), new.clone()));
        Ok(new)
    }

    /// Listens on interfaces that came or changed, and no longer on those that went.
    fn follow_links(self: &Arc<Self>) -> Result<()> {
        let links = self.links()?;
        let mut heard_on = lock(&self.ears);
        heard_on.retain(|on| {
            let stays = links.used.contains(&on.link);
            if !stays {
                on.stop.cancel();
            }
            stays
        });
        let mut failures = Vec::new();
        for link in &links.used {
            if heard_on.iter().any(|on| *on.link == *link) {
                continue;
            }
            let ears = match link.listen(self.wish.port) {
                Ok(ears) => ears,
                Err(error) => {
                    tracing::debug!(%error, interface = link.name, "mdns does not use this interface");
                    failures.push((link.name.clone(), error));
                    continue;
                }
            };
            let on = OnLink {
                link: Arc::new(link.clone()),
                ears: ears.into_iter().map(Arc::new).collect(),
                stop: self.stop.child_token(),
            };
            for ear in &on.ears {
                let (core, ear, link) = (self.clone(), ear.clone(), on.link.clone());
                tokio::spawn(on.stop.clone().run_until_cancelled_owned(async move {
                    receive(&ear.socket, |bytes, from| core.heard(bytes, from, Some((&ear, &link)))).await;
                }));
            }
            for own in lock(&self.own).iter() {
                on.send(&own.announcement(&self.host, link, &links));
            }
            heard_on.push(on);
        }
        if heard_on.is_empty() { Err(unusable(failures, self.wish.port)) } else { Ok(()) }
    }

    /// Announces nodes, and answers for them from now on.
    pub(super) async fn register(self: &Arc<Self>, nodes: Vec<Own>) -> Result<()> {
        self.listen().await?;
        let now = Instant::now();
        for node in nodes {
            let mut own = lock(&self.own);
            own.retain(|known| known.end > now);
            let known = own.iter_mut().find(|known| known.service == node.service && known.id == node.id);
            let is_news = !known.as_ref().is_some_and(|known| known.says_the_same(&node));
            match known {
                Some(known) => *known = node.clone(),
                None => own.push(node.clone()),
            }
            drop(own);
            self.announce(&node)?;
            if is_news {
                self.announce_again(node);
            }
        }
        Ok(())
    }

    fn announce(&self, node: &Own) -> Result<()> {
        let links = self.links()?;
        let mut failures = Vec::new();
        let mut sent = false;
        for on in lock(&self.ears).iter() {
            match on.send(&node.announcement(&self.host, &on.link, &links)) {
                Some(error) => failures.push((on.link.name.clone(), error)),
                None => sent = true,
            }
        }
        if sent { Ok(()) } else { Err(unusable(failures, self.wish.port)) }
    }

    fn announce_again(self: &Arc<Self>, node: Own) {
        let core = self.clone();
        tokio::spawn(self.stop.clone().run_until_cancelled_owned(async move {
            sleep(AGAIN).await;
            let own = core.own(&node.service, &node.id);
            if let Some(own) = own.filter(|own| own.says_the_same(&node) && own.end > Instant::now()) {
                if let Err(error) = core.announce(&own) {
                    tracing::debug!(%error, "mdns could not announce again");
                }
            }
        }));
    }

    fn own(&self, service: &str, id: &str) -> Option<Own> {
        lock(&self.own).iter().find(|own| own.service == service && own.id == id).cloned()
    }

    /// Stops answering for those of the nodes that are ours, and says so: twice, as packets get lost.
    pub(super) async fn deregister(&self, service: &str, ids: &[&str]) {
        let mut gone = Vec::new();
        lock(&self.own).retain(|own| {
            let goes = own.service == service && ids.contains(&own.id.as_str());
            if goes {
                gone.push(own.clone());
            }
            !goes
        });
        if gone.is_empty() {
            return;
        }
        self.say_goodbye(&gone);
        sleep(Duration::from_millis(20)).await;
        gone.retain(|own| self.own(service, &own.id).is_none());
        self.say_goodbye(&gone);
    }

    fn say_goodbye(&self, nodes: &[Own]) {
        let links = self.links().unwrap_or_default();
        for on in lock(&self.ears).iter() {
            for node in nodes {
                on.send(&node.goodbye(&self.host, &on.link, &links));
            }
        }
    }

    /// Asks for a service, or for the names of all.
    pub(super) fn question(&self, name: Option<&str>) -> Result<()> {
        match name {
            Some(name) => self.question_for(&format!("{name}.{DOMAIN}"), Kind::Ptr),
            None => self.question_for(ALL, Kind::Ptr),
        }
    }

    /// Asks for records of a name.
    pub(super) fn question_for(&self, name: &str, kind: Kind) -> Result<()> {
        let links = self.links()?;
        lock(&self.mouth).ask(&packet::query(fastrand::u16(..), name, kind), &links.used, self.wish.port)
    }

    /// Hears answers about a service, or the names of all, until the guard is dropped.
    pub(super) fn hear(self: &Arc<Self>, name: Option<&str>) -> (mpsc::Receiver<Heard>, Hearing) {
        // Relaxed: a number of its own is all that is needed.
        let number = self.asked.fetch_add(1, Ordering::Relaxed);
        let (hears, heard) = mpsc::channel(MAX_WAITING);
        lock(&self.asking).push(Asking { number, name: name.map(str::to_owned), hears });
        (heard, Hearing { core: self.clone(), number })
    }

    /// A packet: questions are answered where it was heard, anything else is news.
    fn heard(&self, bytes: &[u8], from: SocketAddr, by: Option<(&Ear, &Link)>) {
        let message = match packet::decode(bytes) {
            Ok(message) => message,
            Err(reason) => return tracing::trace!(%from, reason, "mdns ignores a packet"),
        };
        match by {
            Some((ear, link)) if !message.response => self.reply(&message, from, ear, link),
            Some(_) => self.learn(&message, from, Way::Announced),
            None if message.response => self.learn(&message, from, Way::Answered),
            None => {}
        }
    }

    fn reply(&self, message: &Message, from: SocketAddr, ear: &Ear, link: &Link) {
        let own = lock(&self.own).clone();
        if own.is_empty() {
            return;
        }
        let links = self.links().unwrap_or_default();
        for question in message.questions.iter().take(MAX_QUESTIONS) {
            for packet in answers(&own, &self.host, question, message.id, (link, &links), Some(from.ip())) {
                if let Err(error) = ear.send(&packet, from) {
                    tracing::debug!(%error, to = %from, "mdns could not answer");
                }
            }
        }
    }

    fn learn(&self, message: &Message, from: SocketAddr, way: Way) {
        for entry in &message.entries {
            if entry.ttl == 0 {
                self.cache.goodbye(&entry.instance, from.ip());
                self.tell(|name| is_instance_of(&entry.instance, name), || Heard::Goodbye(entry.instance.clone()));
                continue;
            }
            let asked = lock(&self.asking)
                .iter()
                .any(|asking| asking.name.as_ref().is_some_and(|name| is_instance_of(&entry.instance, name)));
            // Most packets on a network are none of our business: they are not unpacked.
            if !asked && !self.cache.wants(&entry.instance) {
                continue;
            }
            let Some(found) = Found::read(entry) else { continue };
            let name = found.registration.name.clone();
            self.cache.hear(found.clone(), from.ip(), way);
            self.tell(|asked| asked == name, || Heard::Node(Box::new(found.clone())));
        }
        for (owner, target) in &message.pointers {
            if owner == ALL {
                for asking in lock(&self.asking).iter().filter(|asking| asking.name.is_none()) {
                    let _ = asking.hears.try_send(Heard::Pointer(target.clone()));
                }
                self.ask_for_unknown(target, way);
            } else if let Some(service) = owner.strip_suffix(DOMAIN).and_then(|owner| owner.strip_suffix('.')) {
                self.tell(|name| name == service, || Heard::Pointer(target.clone()));
            }
        }
    }

    /// A watch of everything learns of a service whose announcement was lost by the list, which has no nodes.
    fn ask_for_unknown(&self, target: &str, way: Way) {
        let name = target.strip_suffix(ALL).and_then(|name| name.strip_suffix('.'));
        if let Some(name) = name.filter(|_| way == Way::Answered && self.cache.watches_all()) {
            if !self.cache.store.has(name) {
                // It is asked for again with the next list.
                let _ = self.question(Some(name));
            }
        }
    }

    /// Tells those who asked for a service. One who has as many answers as it can hold loses this one.
    fn tell(&self, wanted: impl Fn(&str) -> bool, heard: impl Fn() -> Heard) {
        for asking in lock(&self.asking).iter() {
            if asking.name.as_deref().is_some_and(&wanted) {
                let _ = asking.hears.try_send(heard());
            }
        }
    }
}

impl OnLink {
    /// Sends to all on the link; an error when no socket could.
    fn send(&self, bytes: &[u8]) -> Option<std::io::Error> {
        let (mut failure, mut sent) = (None, false);
        for ear in &self.ears {
            match ear.send(bytes, ear.group) {
                Ok(()) => sent = true,
                Err(error) => failure = Some(error),
            }
        }
        failure.filter(|_| !sent)
    }
}

/// Ends the hearing of answers.
#[derive(Debug)]
pub(super) struct Hearing {
    core: Arc<Core>,
    number: u64,
}

impl Drop for Hearing {
    fn drop(&mut self) {
        lock(&self.core.asking).retain(|asking| asking.number != self.number);
    }
}

async fn receive(socket: &UdpSocket, hear: impl Fn(&[u8], SocketAddr)) {
    let mut buffer = vec![0; MAX_PACKET];
    loop {
        match socket.recv_from(&mut buffer).await {
            Ok((length, from)) => hear(&buffer[..length], from),
            Err(error) => {
                tracing::debug!(%error, "mdns could not receive");
                // Not a loop that does nothing else.
                sleep(Duration::from_millis(100)).await;
            }
        }
    }
}
