"""The ``lotusx`` command. What a program imports is `lotusx`; nothing here is a public interface but the command."""
