namespace MailGrains.Host.Configuration;

/// <summary>A setting that can't be used; the message names it and says what is expected.</summary>
internal sealed class SettingsException(string message) : Exception(message);
