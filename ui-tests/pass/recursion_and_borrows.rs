#![deny(warnings)]
use micro::Result;

struct Mathematics;

#[micro::service]
impl Mathematics {
    #[handler]
    async fn factorial(&self, n: u64) -> Result<u64> {
        let text = String::from("1");
        let one: &str = &text;
        match n {
            0 => Ok(one.parse().unwrap_or(1)),
            _ => Ok(n * Box::pin(self.factorial(n - 1)).await?),
        }
    }

    #[handler]
    async fn locked(&self) -> Result<u64> {
        static LOCK: std::sync::Mutex<u64> = std::sync::Mutex::new(1);
        let value = { *LOCK.lock().map_err(|_| micro::Error::internal("poisoned"))? };
        std::future::ready(()).await;
        Ok(value)
    }
}

fn main() {
    drop(Mathematics.factorial(3));
    drop(Mathematics.locked());
}
