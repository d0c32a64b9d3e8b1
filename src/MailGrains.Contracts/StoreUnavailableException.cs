namespace MailGrains.Contracts;

/// <summary>A grain could not read or write its record now; what was asked for may be repeated. Temporary to every client.</summary>
[GenerateSerializer, Alias("mailgrains.StoreUnavailableException")]
public sealed class StoreUnavailableException : Exception
{
    public StoreUnavailableException()
    {
    }

    public StoreUnavailableException(string message)
        : base(message)
    {
    }

    /// <summary>The cause goes on as text: an exception of a store can't cross to another silo, and would take this one's place.</summary>
    public StoreUnavailableException(string message, Exception innerException)
        : base($"{message} ({innerException.GetType().Name}: {innerException.Message})")
    {
    }
}
