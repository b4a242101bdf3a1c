"""Servers, clients and documents that tests share; nothing in here tests anything."""
