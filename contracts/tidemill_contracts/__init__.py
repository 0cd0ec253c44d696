"""What crosses a service's border: structs, events, frames and requests."""
