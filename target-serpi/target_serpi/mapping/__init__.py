"""From a record to what SERPI takes: pure functions and a field table per resource."""
