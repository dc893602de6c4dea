//! A service with forty endpoints: eight things, and five verbs for each.

use micro::Result;

/// Which one.
#[micro::message]
pub(crate) struct Id {
    /// Unique among its kind.
    pub(crate) id: u64,
}

/// Which page of a list.
#[micro::message]
pub(crate) struct ListRequest {
    /// At most so many; 0 leaves it to the service.
    pub(crate) limit: u32,
    /// Where the last page ended.
    pub(crate) after: Option<String>,
}

/// A page of a list.
#[micro::message]
pub(crate) struct List<T> {
    pub(crate) items: Vec<T>,
    /// Where this page ends.
    pub(crate) next: Option<String>,
}

macro_rules! things {
    ($($thing:ident)*) => {$(
        /// A thing.
        #[micro::message]
        pub(crate) struct $thing {
            pub(crate) id: u64,
            pub(crate) name: String,
        }
    )*};
}

things! { Order Line Person Address Invoice Payment Parcel Store }

pub(crate) struct Forty;

/// Forty endpoints.
#[micro::service(proto)]
impl Forty {
    #[handler]
    async fn create_order(&self, order: Order) -> Result<Id> {
        Ok(Id { id: order.id })
    }

    /// Reads one.
    #[handler(idempotent)]
    async fn read_order(&self, id: Id) -> Result<Order> {
        Ok(Order { id: id.id, ..Order::default() })
    }

    #[handler(idempotent)]
    async fn update_order(&self, order: Order) -> Result<Order> {
        Ok(order)
    }

    #[handler(idempotent)]
    async fn delete_order(&self, _id: Id) -> Result<()> {
        Ok(())
    }

    #[handler]
    async fn list_order(&self, _page: ListRequest) -> Result<List<Order>> {
        Ok(List::default())
    }

    #[handler]
    async fn create_line(&self, line: Line) -> Result<Id> {
        Ok(Id { id: line.id })
    }

    /// Reads one.
    #[handler(idempotent)]
    async fn read_line(&self, id: Id) -> Result<Line> {
        Ok(Line { id: id.id, ..Line::default() })
    }

    #[handler(idempotent)]
    async fn update_line(&self, line: Line) -> Result<Line> {
        Ok(line)
    }

    #[handler(idempotent)]
    async fn delete_line(&self, _id: Id) -> Result<()> {
        Ok(())
    }

    #[handler]
    async fn list_line(&self, _page: ListRequest) -> Result<List<Line>> {
        Ok(List::default())
    }

    #[handler]
    async fn create_person(&self, person: Person) -> Result<Id> {
        Ok(Id { id: person.id })
    }

    /// Reads one.
    #[handler(idempotent)]
    async fn read_person(&self, id: Id) -> Result<Person> {
        Ok(Person { id: id.id, ..Person::default() })
    }

    #[handler(idempotent)]
    async fn update_person(&self, person: Person) -> Result<Person> {
        Ok(person)
    }

    #[handler(idempotent)]
    async fn delete_person(&self, _id: Id) -> Result<()> {
        Ok(())
    }

    #[handler]
    async fn list_person(&self, _page: ListRequest) -> Result<List<Person>> {
        Ok(List::default())
    }

    #[handler]
    async fn create_address(&self, address: Address) -> Result<Id> {
        Ok(Id { id: address.id })
    }

    /// Reads one.
    #[handler(idempotent)]
    async fn read_address(&self, id: Id) -> Result<Address> {
        Ok(Address { id: id.id, ..Address::default() })
    }

    #[handler(idempotent)]
    async fn update_address(&self, address: Address) -> Result<Address> {
        Ok(address)
    }

    #[handler(idempotent)]
    async fn delete_address(&self, _id: Id) -> Result<()> {
        Ok(())
    }

    #[handler]
    async fn list_address(&self, _page: ListRequest) -> Result<List<Address>> {
        Ok(List::default())
    }

    #[handler]
    async fn create_invoice(&self, invoice: Invoice) -> Result<Id> {
        Ok(Id { id: invoice.id })
    }

    /// Reads one.
    #[handler(idempotent)]
    async fn read_invoice(&self, id: Id) -> Result<Invoice> {
        Ok(Invoice { id: id.id, ..Invoice::default() })
    }

    #[handler(idempotent)]
    async fn update_invoice(&self, invoice: Invoice) -> Result<Invoice> {
        Ok(invoice)
    }

    #[handler(idempotent)]
    async fn delete_invoice(&self, _id: Id) -> Result<()> {
        Ok(())
    }

    #[handler]
    async fn list_invoice(&self, _page: ListRequest) -> Result<List<Invoice>> {
        Ok(List::default())
    }

    #[handler]
    async fn create_payment(&self, payment: Payment) -> Result<Id> {
        Ok(Id { id: payment.id })
    }

    /// Reads one.
    #[handler(idempotent)]
    async fn read_payment(&self, id: Id) -> Result<Payment> {
        Ok(Payment { id: id.id, ..Payment::default() })
    }

    #[handler(idempotent)]
    async fn update_payment(&self, payment: Payment) -> Result<Payment> {
        Ok(payment)
    }

    #[handler(idempotent)]
    async fn delete_payment(&self, _id: Id) -> Result<()> {
        Ok(())
    }

    #[handler]
    async fn list_payment(&self, _page: ListRequest) -> Result<List<Payment>> {
        Ok(List::default())
    }

    #[handler]
    async fn create_parcel(&self, parcel: Parcel) -> Result<Id> {
        Ok(Id { id: parcel.id })
    }

    /// Reads one.
    #[handler(idempotent)]
    async fn read_parcel(&self, id: Id) -> Result<Parcel> {
        Ok(Parcel { id: id.id, ..Parcel::default() })
    }

    #[handler(idempotent)]
    async fn update_parcel(&self, parcel: Parcel) -> Result<Parcel> {
        Ok(parcel)
    }

    #[handler(idempotent)]
    async fn delete_parcel(&self, _id: Id) -> Result<()> {
        Ok(())
    }

    #[handler]
    async fn list_parcel(&self, _page: ListRequest) -> Result<List<Parcel>> {
        Ok(List::default())
    }

    #[handler]
    async fn create_store(&self, store: Store) -> Result<Id> {
        Ok(Id { id: store.id })
    }

    /// Reads one.
    #[handler(idempotent)]
    async fn read_store(&self, id: Id) -> Result<Store> {
        Ok(Store { id: id.id, ..Store::default() })
    }

    #[handler(idempotent)]
    async fn update_store(&self, store: Store) -> Result<Store> {
        Ok(store)
    }

    #[handler(idempotent)]
    async fn delete_store(&self, _id: Id) -> Result<()> {
        Ok(())
    }

    #[handler]
    async fn list_store(&self, _page: ListRequest) -> Result<List<Store>> {
        Ok(List::default())
    }
}
