"""Singer tap for SERPI: articles, document types and accounting documents."""
