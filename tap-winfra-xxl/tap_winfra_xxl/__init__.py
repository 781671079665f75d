"""Singer tap for WINFRA's bulk export API: all 19 datasets."""
