namespace MailGrains.Gateways.Filters;

/// <summary>Looks at a whole message and says what is to be done with it; it changes nothing.</summary>
public interface IMessageFilter : IDisposable
{
    /// <summary>A short word; it labels metrics and stands in headers and replies.</summary>
    string Name { get; }

    FilterLimits Limits { get; }

    /// <summary>
    /// Ends soon after <paramref name="cancellationToken"/>. What it can't tell is <see cref="FilterVerdict.Failure"/> or an exception: both leave
    /// the action to <see cref="FilterLimits.OnFailure"/>.
    /// </summary>
    ValueTask<FilterVerdict> CheckAsync(MessageFacts message, CancellationToken cancellationToken);
}

/// <param name="Timeout">For all of one message: waiting for a connection, sending, the answer.</param>
/// <param name="OnFailure">
/// <see cref="FilterAction.Accept"/> or <see cref="FilterAction.Defer"/>; never a refusal for good, since nothing was found.
/// </param>
/// <param name="MaxBytes">A larger message is not shown to the filter, and accepted by it.</param>
public sealed record FilterLimits(TimeSpan Timeout, FilterAction OnFailure, long MaxBytes);
