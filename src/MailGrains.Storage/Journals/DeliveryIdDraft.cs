using MailGrains.Contracts.Delivery;
using MailGrains.Contracts.Mailboxes;

namespace MailGrains.Storage.Journals;

/// <summary>
/// The ids that the calls of a batch have taken or removed, over the committed window: the second of two repeats in one batch finds the
/// first. Costs nothing until then. A mutable struct: hold it in a field that is not readonly.
/// </summary>
public struct DeliveryIdDraft
{
    private readonly DeliveryIdWindow _window;

    // A batch holds few deliveries, and a message each: searched from its end.
    private List<(DeliveryId Id, EmailId? Kept)>? _changes;

    internal DeliveryIdDraft(DeliveryIdWindow window) => _window = window;

    public readonly bool TryFind(DeliveryId id, DateTimeOffset now, out EmailId kept)
    {
        for (var i = (_changes?.Count ?? 0) - 1; i >= 0; i--)
        {
            if (_changes![i].Id == id)
            {
                kept = _changes[i].Kept ?? default;
                return _changes[i].Kept is not null;
            }
        }

        return _window.TryFind(id, now, out kept);
    }

    public void Add(DeliveryId id, EmailId kept)
    {
        if (!id.IsNone)
        {
            (_changes ??= []).Add((id, kept));
        }
    }

    public void Remove(DeliveryId id)
    {
        if (!id.IsNone)
        {
            (_changes ??= []).Add((id, null));
        }
    }
}
