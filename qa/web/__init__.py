"""The pages in the browser. They are given gradio; app.py alone imports it, and puts them together."""
