using Microsoft.Extensions.Logging;

namespace MailGrains.Storage.Azure;

/// <summary>
/// Repeats what a start needs until it is given. A role that was just given takes minutes to reach a service, which answers 401, 403 or 404 meanwhile, and a
/// service that throttles or a network that is not there yet is no other matter.
/// </summary>
internal sealed partial class StartRetry(TimeSpan limit, ILogger logger, TimeProvider time)
{
    private static readonly TimeSpan FirstDelay = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestDelay = TimeSpan.FromSeconds(10);

    /// <param name="what">In the log, such as <c>Storage</c>.</param>
    /// <exception cref="StoreException">It was not given in time, or never will be.</exception>
    public async Task<T> RunAsync<T>(string what, Func<CancellationToken, Task<T>> attempt, CancellationToken cancellationToken)
    {
        var deadline = time.GetUtcNow() + limit;
        for (var delay = FirstDelay; ; delay = TimeSpan.FromTicks(Math.Min(delay.Ticks * 2, LongestDelay.Ticks)))
        {
            try
            {
                return await attempt(cancellationToken).ConfigureAwait(false);
            }
            catch (StoreException e) when (e.Failure is StoreFailure.Unavailable or StoreFailure.Unknown && time.GetUtcNow() + delay < deadline)
            {
                LogNotYet(logger, what, e.Message, delay);
            }

            await Task.Delay(delay, time, cancellationToken).ConfigureAwait(false);
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "{What} is not ready: {Reason} Next try in {Delay}.")]
    private static partial void LogNotYet(ILogger logger, string what, string reason, TimeSpan delay);
}
