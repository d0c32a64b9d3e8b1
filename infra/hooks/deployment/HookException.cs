namespace MailGrains.Deployment;

/// <summary>Ends a hook, and with it what azd is about to do. The message says what is to be done, and holds no secret.</summary>
public sealed class HookException(string message) : Exception(message);
