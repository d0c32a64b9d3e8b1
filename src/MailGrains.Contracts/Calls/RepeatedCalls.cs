namespace MailGrains.Contracts.Calls;

/// <summary>
/// Asks again where the silo that was asked has gone before it answered, as one does that leaves in order too: what arrives in its last moments is never
/// answered. The grain is elsewhere by then. Calls that are not marked by <see cref="MayRepeatAttribute"/> fail as ever.
/// </summary>
public sealed class RepeatedCalls : IOutgoingGrainCallFilter
{
    // At once; then there may be an entry of the directory, or another silo that leaves, in the way.
    private static readonly TimeSpan[] Pauses =
        [TimeSpan.Zero, TimeSpan.FromMilliseconds(50), TimeSpan.FromMilliseconds(200), TimeSpan.FromMilliseconds(500), TimeSpan.FromSeconds(1)];

    public async Task Invoke(IOutgoingGrainCallContext context)
    {
        for (var repeats = 0; ; repeats++)
        {
            try
            {
                await context.Invoke();
                return;
            }
            catch (OrleansMessageRejectionException) when (repeats < Pauses.Length && MayRepeat(context))
            {
                await Task.Delay(Pauses[repeats]);
            }
        }
    }

    private static bool MayRepeat(IOutgoingGrainCallContext context) => context.InterfaceMethod.IsDefined(typeof(MayRepeatAttribute), inherit: false);
}
